using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Selection;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>Where a round's files are, and the options of its stages.</summary>
/// <param name="options">The whole loop's options.</param>
/// <param name="round">The round, from 1.</param>
internal sealed class RoundOptions(ImproveOptions options, int round)
{
    /// <summary>The round's directory.</summary>
    public string Directory => Path.Combine(Path.GetFullPath(options.Out), "rounds", $"{round:000}");

    /// <summary>A path in it.</summary>
    public string File(string name) => Path.Combine(Directory, name);

    /// <summary>Inputs that a server collected by the time that the round began, and that no teacher has answered.</summary>
    public string Collected => File("collected");

    /// <summary>Those that a teacher answered in the student's place.</summary>
    public string Answered => File("answered");

    /// <summary>The rows that the teacher is asked about.</summary>
    public string Selected => File("selected");

    /// <summary>The same with its answers.</summary>
    public string Annotated => File("annotated");

    /// <summary>Of these the rows that it was asked about, where the round ended before it was asked about all.</summary>
    public string Asked => File("asked");

    /// <summary>All annotated rows so far, with the pool's validation rows.</summary>
    public string Data => File("data");

    /// <summary>The student.</summary>
    public string Checkpoint => File("checkpoint");

    /// <summary>The student as it would be served.</summary>
    public string Bundle => File("bundle");

    /// <summary>Its answers to the rows that all rounds are measured on.</summary>
    public string Answers => File("answers.jsonl");

    /// <summary>All answers of the teacher in all rounds.</summary>
    public string Journal => Path.Combine(Path.GetFullPath(options.Out), "journal");

    /// <summary>What the round selects.</summary>
    /// <param name="model">Who is asked; null: nobody, rows are drawn.</param>
    /// <param name="annotated">What earlier rounds annotated.</param>
    /// <param name="collected">Datasets of collected inputs.</param>
    public SelectOptions Select(string? model, IReadOnlyList<string> annotated, IReadOnlyList<string> collected) => new()
    {
        Data = options.Data,
        Model = model ?? "",
        Count = options.Count,
        Selection = model is null ? new() { By = SelectionRule.Random } : options.Selection,
        Out = Selected,
        Annotated = annotated,
        Further = collected,
        SplitAlone = true,
        Seed = options.Seed,
        Inference = options.Inference,
    };

    /// <summary>What the teacher is asked.</summary>
    public AnnotateOptions Annotate() => new()
    {
        Data = Selected,
        Teacher = options.Teacher,
        Out = Annotated,
        Overwrite = true,
        Splits = [SplitNames.Train],
        Journal = Journal,
        Budget = options.Budget,
        AfterBudget = "--resume with a larger --budget goes on with the next round",
        Prices = options.Prices,
        Prompt = options.Prompt,
        MaxOutputTokens = options.MaxOutputTokens,
        Concurrency = options.Concurrency,
        RequestsPerMinute = options.RequestsPerMinute,
        ApiKey = options.ApiKey,
    };

    /// <summary>How the student is trained.</summary>
    /// <param name="student">What it begins from.</param>
    /// <param name="first">Whether that is the student of the first round.</param>
    public TrainOptions Train(string student, bool first) => new(options)
    {
        Data = Data,
        Student = student,
        Out = Checkpoint,
        Resume = true,
        Method = options.Method,
        Labels = options.Labels,
        Alpha = options.Alpha,
        Epochs = options.Epochs,
        MaxSteps = options.MaxSteps,
        BatchSize = options.BatchSize,
        Dropout = options.Dropout,
        EvaluateEvery = options.EvaluateEvery,
        Tokenizer = first ? options.Tokenizer : null,
        VocabularySize = first ? options.VocabularySize : null,
        Seed = options.Seed,
    };

    /// <summary>How it is exported.</summary>
    /// <param name="calibrates">Whether there are validation rows.</param>
    public ExportOptions Export(bool calibrates) => new()
    {
        Model = Checkpoint,
        Out = Bundle,
        Overwrite = true,
        Data = calibrates ? Data : null,
        // One alone, so that every engine that opens the bundle answers as what was measured.
        Precision = [options.BundlePrecision],
        MaxAccuracyLoss = options.MaxAccuracyLoss,
        Threads = options.Threads ?? 0,
    };

    /// <summary>What the stages themselves find wrong.</summary>
    public IEnumerable<string> Faults() =>
        [.. Annotate().Validate(), .. Train(options.Student ?? options.Model, first: true).Validate()];
}
