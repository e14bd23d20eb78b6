using System.Security.Cryptography;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Schedules;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Pretraining;

/// <summary>A run that teaches span corruption on text.</summary>
/// <param name="options">What text, and how.</param>
/// <param name="reporter">Receives progress and messages.</param>
internal sealed class TextRun(PretrainOptions options, IReporter reporter) : StudentRun<PretrainOptions>(options, reporter)
{
    private const int Evaluations = 10;
    private const double Warmup = 0.05;

    private TextLines? _lines;

    protected override int RowsPerStep => Options.BatchSize;

    protected override int? EvaluateEvery => Options.EvaluateEvery;

    /// <inheritdoc/>
    protected override IEnumerable<string?> InputPaths => [.. Options.Text, Options.Student, Options.Tokenizer];

    protected override StudentSource FindStudent() => StudentSource.Resolve(Options.Student);

    protected override bool ScalesParameters(StudentSource student) => true;

    protected override IDisposable? OpenData() =>
        _lines = new TextLines(Options.Text, Options.HoldoutLines, Options.ShuffleLines, Options.Seed, Options.Join);

    protected override T5Tokenizer Tokenizer(StudentSource student, CancellationToken cancellationToken) => student.Tokenizer(
        Options.Tokenizer, Options.VocabularySize, PretrainOptions.DefaultVocabularySize,
        () => TextLines.Read(Options.Text).Take(Options.TokenizerLines), Reporter, cancellationToken);

    protected override RunInputs Prepare(T5Tokenizer tokenizer, bool fromScratch)
    {
        if (tokenizer.ExtraIds == 0)
            throw new InputException(
                $"{Options.Tokenizer ?? Options.Student}: the tokenizer has no sentinels, which span corruption needs");
        Options = Options with { VocabularySize = Options.VocabularySize ?? PretrainOptions.DefaultVocabularySize };
        var rows = new TextRows(_lines!, tokenizer, Options);
        var heldOut = Options.HoldoutLines == 0 ? [] : MicroBatch.Cut(rows.Rows(_lines!.HeldOut(), -1), Options.MicroBatchTokens, 1, 1);
        var warmup = Options.WarmupSteps ?? (int)Math.Ceiling(Warmup * Options.MaxSteps);
        var plan = new TrainingPlan(
            "pretrain", new Schedule(Options.Schedule, Options.LearningRate!.Value, warmup, Options.MaxSteps),
            (int)Math.Min(int.MaxValue, Math.Max(1, _lines!.Count / Options.BatchSize)), AlphaSchedule.LabelsAlone,
            Options.MicroBatchTokens, Options.ClipNorm,
            Options.EvaluateEvery ?? Math.Max(1, Options.MaxSteps / Evaluations), Options.SaveEvery, Patience: 0, Options.Seed);
        return new RunInputs(
            Task: null, plan, rows, (engine, _) => new TextEvaluator(engine, heldOut), Data(), Options.Dropout, $"{_lines.Count} lines",
            ["text"], KeepResume: false);
    }

    private JsonObject Data()
    {
        var data = new JsonObject { ["lines"] = _lines!.Count };
        foreach (var file in Options.Text)
        {
            using var stream = File.OpenRead(file);
            var name = Path.GetFileName(file);
            var key = $"{name}_sha256";

            // Files of one name in several directories.
            for (var i = 2; data.ContainsKey(key); i++) key = $"{name}_{i}_sha256";
            data[key] = Convert.ToHexStringLower(SHA256.HashData(stream));
        }

        return data;
    }
}
