using System.Globalization;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>The runs of a study, in the order in which they are made.</summary>
internal static class StudyPlan
{
    /// <summary>A run: its name, how it is trained, and the row it will fill.</summary>
    public sealed record Entry(string Key, TrainOptions Training, StudyRun Run);

    /// <summary>
    /// Lists the runs. A method that reads no rationale gives the same student on datasets that differ in rationales alone, so it
    /// runs on the first of them only.
    /// </summary>
    /// <param name="options">The study.</param>
    /// <param name="data">Its datasets.</param>
    /// <param name="tokenizer">Directory of the tokenizer that students from scratch share; null where there are none.</param>
    public static IEnumerable<Entry> Of(StudyOptions options, IReadOnlyList<StudyData> data, string? tokenizer) =>
        // The seed is the outermost loop: an unfinished study has results of every method.
        from seed in options.Seeds
        from student in options.Students.Select(StudyNames.Parse)
        from fraction in options.Fractions
        from set in data
        from method in options.Methods.Select(m => StudyMethod.Find(m)!)
        where method.ReadsRationales || data.First(d => d.LabelHash == set.LabelHash) == set
        select Make(options, seed, student, fraction, set, method, tokenizer);

    private static Entry Make(
        StudyOptions options,
        string seed,
        (string Name, string Value) student,
        string fraction,
        StudyData data,
        StudyMethod method,
        string? tokenizer)
    {
        var key = StudyNames.Safe($"{student.Name}.{data.Name}.{method.Name}.{fraction}.{seed}");
        var training = new TrainOptions(options)
        {
            Data = data.Directory,
            Student = student.Value,
            Out = Path.Combine(options.Out, "checkpoints", key),
            Resume = true,
            Method = method.Method,
            Labels = method.Labels,
            Alpha = method.Method == TrainingMethod.StepByStep ? options.Alpha : null,
            AlphaEnd = method.Method == TrainingMethod.StepByStep ? options.AlphaEnd : null,
            LabelLoss = options.LabelLoss,
            Fraction = double.Parse(fraction, CultureInfo.InvariantCulture),
            Tokenizer = options.Tokenizer ?? (StudyTokenizer.IsNeeded(student.Value) ? tokenizer : null),
            Epochs = options.Epochs,
            MaxSteps = options.MaxSteps,
            MaxTokens = options.MaxTokens,
            BatchSize = options.BatchSize,
            Dropout = options.Dropout,
            MaxRationaleTokens = method.ReadsRationales ? options.MaxRationaleTokens : null,
            EvaluateEvery = options.EvaluateEvery,
            Patience = options.Patience,
            Seed = long.Parse(seed, CultureInfo.InvariantCulture),
            Threads = options.ThreadsOfRun(),
        };
        var run = new StudyRun
        {
            Data = data.Name,
            Student = student.Name,
            Method = method.Name,
            Fraction = training.Fraction,
            Seed = training.Seed,
        };
        return new Entry(key, training, run);
    }
}
