using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// Turns dataset rows into what the student is taught by a method. Rows that lack what it needs are counted and reported.
/// </summary>
internal sealed class ExampleEncoder
{
    private readonly InputEncoder _encoder;
    private readonly TrainOptions _options;
    private readonly ClosedSets? _sets;

    public ExampleEncoder(InputEncoder encoder, TrainOptions options)
    {
        (_encoder, _options) = (encoder, options);
        _sets = options.LabelLoss == LabelLoss.ClosedSet ? new ClosedSets(encoder) : null;
    }

    // Four times what training cuts to by default: a run that takes minutes a step is then most likely not what was meant.
    private const int LongInput = 4 * TaskSpec.DefaultMaxInputTokens;

    /// <summary>Longest label in tokens that was met.</summary>
    public int LongestLabel { get; private set; }

    /// <summary>Encodes rows.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="name">The split's name, for messages.</param>
    /// <param name="reporter">Receives messages about rows that were left out or cut.</param>
    /// <exception cref="InputException">No row is left.</exception>
    public IReadOnlyList<TrainingRow> Encode(IReadOnlyList<Example> examples, string name, IReporter reporter)
    {
        var check = new TargetCheck(_encoder);
        check.RequireLabels();
        var rows = new List<TrainingRow>(examples.Count);
        int unlabelled = 0, withoutRationale = 0, cut = 0, longest = 0;
        var longestId = "";
        foreach (var example in examples)
        {
            var label = _options.Labels == LabelSource.Gold ? example.Label : example.TeacherLabel;
            var sequences = Sequences(example, label, check, ref cut);
            if (sequences.Count > 0 && sequences[0].Source.Length > longest)
                (longest, longestId) = (sequences[0].Source.Length, example.Id);
            if (label is null) unlabelled++;
            if (_options.Method != TrainingMethod.Standard && example.Rationale is null) withoutRationale++;
            if (sequences.Count > 0) rows.Add(new TrainingRow(example.Id, sequences, _encoder.Task.Kind == TaskKind.Labels ? label : null));
        }

        check.Report(name, reporter);
        if (rows.Count == 0)
            throw new InputException(
                $"{name}: expected rows with a {(_options.Labels == LabelSource.Gold ? "gold" : "teacher")} "
                + $"label, found none among {examples.Count}");
        var taught = _options.Method == TrainingMethod.StepByStep ? "they teach their rationale only" : "they are left out";
        if (unlabelled > 0) reporter.Warn(
            $"{name}: {unlabelled} of {examples.Count} rows have no {_options.Labels.ToString().ToLowerInvariant()} label; {taught}");
        if (withoutRationale > 0) reporter.Warn(
            $"{name}: {withoutRationale} of {examples.Count} rows have no rationale; "
            + (name == SplitNames.Train ? "they teach their label only" : "the rationale loss leaves them out"));
        if (cut > 0) reporter.Warn(
            $"{name}: {cut} texts were cut to {_encoder.Task.MaxInputTokens} input or {MaxRationaleTokens} "
            + $"rationale tokens (--max-input-tokens, --max-rationale-tokens)");
        if (longest > LongInput) reporter.Warn(
            $"{name}: row {longestId} has {longest} input tokens; time and memory of a step grow with their square "
            + $"(--max-input-tokens cuts longer ones)");
        return rows;
    }

    private int MaxRationaleTokens => _options.MaxRationaleTokens ?? TrainOptions.DefaultMaxRationaleTokens;

    private List<TrainingSequence> Sequences(Example example, string? label, TargetCheck check, ref int cut)
    {
        var sequences = new List<TrainingSequence>(2);
        var target = label is null ? null : _encoder.EncodeLabel(label);
        if (target is not null)
        {
            LongestLabel = Math.Max(LongestLabel, target.Length);
            check.AddLabel(label!, target);
            if (_options.Method == TrainingMethod.SingleTask && example.Rationale is not null) target = [
                .. target, .. Rationale(example.Rationale, check, ref cut)];
            var allowed = _sets?.Allowed(example, label!);
            if (allowed is not null)
            {
                // Of a closed set only what lies before its last choice is learnt, so the rest need not be decoded.
                var learnt = Math.Max(1, allowed.Count - allowed.Reverse().TakeWhile(a => a.Length == 1).Count());
                (target, allowed) = (target[..learnt], [.. allowed.Take(learnt)]);
            }

            sequences.Add(
                new TrainingSequence(
                    Cut(_encoder.EncodeInput(example.Input, out var truncated), truncated, ref cut), target, LossPart.Label,
                    Allowed: allowed, Once: _options.LabelLoss == LabelLoss.Labels));
        }

        if (_options.Method == TrainingMethod.StepByStep && example.Rationale is not null)
        {
            var rationale = Rationale(example.Rationale, check, ref cut);
            sequences.Add(
                new TrainingSequence(
                    Cut(_encoder.EncodeExplainInput(example.Input, out var truncated), truncated, ref cut), rationale, LossPart.Rationale));
        }

        return sequences;
    }

    private int[] Rationale(string text, TargetCheck check, ref int cut)
    {
        var ids = Cut(_encoder.EncodeTarget(text, MaxRationaleTokens, out var shortened), shortened, ref cut);
        check.AddRationale(text, ids);
        return ids;
    }

    private static int[] Cut(int[] ids, bool truncated, ref int cut)
    {
        if (truncated) cut++;
        return ids;
    }
}
