using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Scripting;

/// <summary>
/// Progress on stderr: a bar that is drawn over on a terminal, plain lines at a slower pace elsewhere. Works out rate and
/// time left from what the stages report.
/// </summary>
public sealed class ConsoleReporter : IReporter, IDisposable
{
    private static readonly TimeSpan TerminalPace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LinePace = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly bool _terminal;
    private readonly bool _quiet;
    private string? _stage;
    private long _stageStart;
    private long _firstDone;
    private long _lastDrawn;
    private string? _pending;
    private bool _barShown;

    /// <summary>Creates a reporter.</summary>
    /// <param name="output">Where it writes.</param>
    /// <param name="terminal">Whether a line can be drawn over.</param>
    /// <param name="quiet">Whether only warnings are shown.</param>
    internal ConsoleReporter(TextWriter output, bool terminal, bool quiet)
    {
        _output = output;
        _terminal = terminal;
        _quiet = quiet;
    }

    /// <summary>A reporter for this process's stderr.</summary>
    /// <param name="quiet">Whether only warnings are shown.</param>
    public static ConsoleReporter Create(bool quiet) => new(Console.Error, !Console.IsErrorRedirected, quiet);

    /// <inheritdoc/>
    public void Progress(string stage, long done, long? total, string? detail = null)
    {
        if (_quiet) return;
        lock (_lock)
        {
            var now = Stopwatch.GetTimestamp();
            if (stage != _stage)
            {
                FlushPending();
                (_stage, _stageStart, _firstDone, _lastDrawn) = (stage, now, done, 0);
            }

            _pending = Describe(stage, done, total, detail, Stopwatch.GetElapsedTime(_stageStart, now));
            var due = _lastDrawn == 0 || Stopwatch.GetElapsedTime(_lastDrawn, now) >= (_terminal ? TerminalPace : LinePace);
            if (!due && done != total) return;
            _lastDrawn = now;
            Draw(_pending);
            _pending = null;
        }
    }

    /// <inheritdoc/>
    public void Info(string message)
    {
        if (!_quiet) Line(message);
    }

    /// <inheritdoc/>
    public void Warn(string message) => Line("warning: " + message);

    /// <summary>Ends the last stage's bar.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            FlushPending();
            _stage = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Finish();

    private string Describe(string stage, long done, long? total, string? detail, TimeSpan elapsed)
    {
        var rate = elapsed.TotalSeconds > 0.5 && done > _firstDone ? (done - _firstDone) / elapsed.TotalSeconds : 0;
        var parts = new List<string>();
        if (total is > 0)
        {
            if (_terminal) parts.Add(Bar((double)done / total.Value));
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{done:N0}/{total:N0}"));
        }
        else
        {
            parts.Add(done.ToString("N0", CultureInfo.InvariantCulture));
        }

        if (rate > 0)
            parts.Add(rate.ToString(rate >= 10 ? "N0" : "0.00", CultureInfo.InvariantCulture) + "/s");
        if (rate > 0 && total > done) parts.Add($"{Short(TimeSpan.FromSeconds((total.Value - done) / rate))} left");
        if (detail is { Length: > 0 }) parts.Add(detail);
        return $"{stage}: {string.Join("  ", parts)}";
    }

    private static string Bar(double fraction)
    {
        const int width = 24;
        var full = (int)Math.Round(Math.Clamp(fraction, 0, 1) * width);
        return "[" + new string('#', full) + new string('.', width - full) + "]";
    }

    private static string Short(TimeSpan time) => time.TotalHours >= 1
        ? $"{(int)time.TotalHours}h{time.Minutes:00}m"
        : time.TotalMinutes >= 1 ? $"{time.Minutes}m{time.Seconds:00}s" : $"{time.Seconds}s";

    private void Line(string message)
    {
        lock (_lock)
        {
            FlushPending();
            _output.WriteLine(message);
        }
    }

    private void Draw(string text)
    {
        if (!_terminal)
        {
            _output.WriteLine(text);
            return;
        }

        var width = Math.Max(20, Width() - 1);
        _output.Write("\r" + (text.Length > width ? text[..width] : text.PadRight(width)));
        _barShown = true;
    }

    private void FlushPending()
    {
        if (_pending is not null) Draw(_pending);
        _pending = null;
        if (_barShown) _output.WriteLine();
        _barShown = false;
    }

    private static int Width()
    {
        try
        {
            return Console.BufferWidth;
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
