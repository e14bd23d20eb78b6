using System.Globalization;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// The progress of a study: of its runs one after another, as they report it; of several at once, which run is how far.
/// </summary>
/// <param name="reporter">Receives it.</param>
/// <param name="runs">Runs in all.</param>
/// <param name="sideBySide">Whether several run at once.</param>
internal sealed class StudyProgress(IReporter reporter, int runs, bool sideBySide)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, string> _running = new(StringComparer.Ordinal);
    private readonly IReporter _reporter = reporter;
    private int _done;

    /// <summary>A reporter for a run that begins.</summary>
    /// <param name="key">The run's name.</param>
    public IReporter Begin(string key)
    {
        lock (_gate)
        {
            if (sideBySide) _running[key] = key;
            Report(key);
        }

        return sideBySide ? new RunReporter(this, key) : _reporter;
    }

    /// <summary>Takes note of a run that is done.</summary>
    /// <param name="key">The run's name.</param>
    public void End(string key)
    {
        lock (_gate)
        {
            _running.Remove(key);
            _done++;
            Report(null);
        }
    }

    private void Report(string? detail) =>
        _reporter.Progress("study", _done, runs, sideBySide ? string.Join(" · ", _running.Values) : detail);

    private sealed class RunReporter(StudyProgress study, string key) : IReporter
    {
        public void Progress(string stage, long done, long? total, string? detail = null)
        {
            lock (study._gate)
            {
                if (!study._running.ContainsKey(key)) return;
                var share = total is > 0 ? string.Create(CultureInfo.InvariantCulture, $" {100 * done / total.Value} %") : "";
                study._running[key] = $"{key} {stage}{share}";
                study.Report(null);
            }
        }

        public void Info(string message) => study._reporter.Info($"{key}: {message}");

        public void Warn(string message) => study._reporter.Warn($"{key}: {message}");
    }
}
