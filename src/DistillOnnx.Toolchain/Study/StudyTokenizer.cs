using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// The tokenizer that all runs of a study share whose student begins from nothing. One tokenizer a run would differ between
/// methods and shares of the rows, and with it the student's size: a second difference beside the one that is measured.
/// </summary>
internal static class StudyTokenizer
{
    /// <summary>Its directory within the study.</summary>
    public const string DirectoryName = "tokenizer";

    /// <summary>Whether a student brings no tokenizer of its own.</summary>
    public static bool IsNeeded(string student) => !Directory.Exists(student);

    /// <summary>Whether a study trains one: some student needs it and none is given.</summary>
    public static bool IsTrained(StudyOptions options) =>
        options.Tokenizer is null && options.Students.Select(StudyNames.Parse).Any(s => IsNeeded(s.Value));

    /// <summary>Trains it on the training rows of all datasets, labels and rationales included, unless an earlier run has.</summary>
    /// <returns>Its directory; null where no student needs it.</returns>
    public static string? Prepare(
        StudyOptions options, IReadOnlyList<StudyData> data, IReporter reporter, CancellationToken cancellationToken)
    {
        if (!IsTrained(options)) return null;
        var directory = Path.Combine(options.Out, DirectoryName);
        if (Directory.Exists(directory)) return directory;
        var texts = data.Select(d => Dataset.Open(d.Directory))
            .SelectMany(d => TrainedTokenizer.Texts(d.Task, d.Load(SplitNames.Train, LabelNeed.None), rationales: true));
        // Datasets that differ in rationales alone would count their inputs several times.
        var tokenizer = TrainedTokenizer.Train(
            texts.Distinct(StringComparer.Ordinal), options.VocabularySize ?? TrainOptions.DefaultVocabularySize, reporter,
            cancellationToken);
        using var output = OutputDirectory.Create(directory, overwrite: false);
        tokenizer.Save(output.Path);
        output.Commit();
        return directory;
    }
}
