using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>What is found wrong before the first run, which may take hours, and not at the first one that needs it.</summary>
internal static class StudyChecks
{
    /// <summary>The directory of a study that has a file for each run that is done.</summary>
    public const string RunsDirectory = "runs";

    /// <summary>Ends the names of files there that are of no run: what a student answers before any training.</summary>
    public const string Untrained = ".untrained";

    /// <summary>Longest name: five of them and more make a file's.</summary>
    private const int LongestName = 80;

    /// <summary>Names are parts of file names, in which some characters are replaced: each is one of a kind there.</summary>
    public static void Names(string option, string what, string form, IEnumerable<string> names)
    {
        names = [.. names];
        if (names.FirstOrDefault(n => n.Length > LongestName || n.Any(c => char.IsControl(c) || c == '|')) is { } bad)
            throw new InputException(
                $"--{option}: \"{InputText.Show(bad)}\" cannot be a name in file names and tables: expected at most {LongestName} "
                + $"characters and no \"|\"; give another one with {form}");
        if (names.GroupBy(StudyNames.Safe, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InputException($"--{option}: two {what} are called {twice.First()}; give one another name with {form}");
    }

    /// <summary>Says where accuracies would be of rows that the student has learnt from, or was chosen by.</summary>
    public static void Measured(StudyOptions options, IReporter reporter)
    {
        if (options.Split == SplitNames.Train) reporter.Warn("--split train: accuracies are of rows that students were trained on");
        if (options.Split == SplitNames.Validation)
            reporter.Warn("--split validation: accuracies are of rows by which checkpoints were chosen");
    }

    /// <summary>What would end a run at its start, or make two runs one, is refused before there is any.</summary>
    public static void Runs(StudyOptions options, IReadOnlyList<StudyData> data)
    {
        Labels(options, data);
        Rationales(options, data);
        TeacherLabels(options, data);
        var plan = StudyPlan.Of(options, data, tokenizer: null).ToList();
        if (plan.GroupBy(p => p.Key, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } same)
        {
            var (one, other) = (same.First().Run, same.Last().Run);
            throw new InputException(
                $"--students, --data: {one.Student} on {one.Data} and {other.Student} on {other.Data} have the same file name, {same.Key}; "
                + "give one another name with NAME=");
        }

        foreach (var entry in plan.DistinctBy(p => p.Run.Method))
        {
            if (entry.Training.Validate() is [var fault, ..]) throw new InputException(fault);
        }

        if (options.Device is not ("auto" or "cpu")) Devices.Select(options.Device, Reporter.None);
    }

    /// <summary>Tables are of the runs that are asked for: one that is done and is not among them would be lost without a word.</summary>
    public static void AllRuns(StudyOptions options, IReadOnlyList<StudyData> data)
    {
        var asked = StudyPlan.Of(options, data, tokenizer: null).Select(p => p.Key).ToHashSet(StringComparer.Ordinal);
        var directory = Path.Combine(options.Out, RunsDirectory);
        string[] others =
        [
            .. Directory.GetFiles(directory, "*.json").Select(f => Path.GetFileNameWithoutExtension(f))
                .Where(key => !key.EndsWith(Untrained, StringComparison.Ordinal) && !asked.Contains(key))
                .Order(StringComparer.Ordinal),
        ];
        if (others.Length == 0) return;
        throw new InputException(
            $"{options.Out}: holds {others.Length} run(s) that --data, --students, --methods, --fractions and --seeds leave out "
            + $"({others[0]}{(others.Length > 1 ? ", …" : "")}); name theirs too, which repeats none, or delete their files in "
            + $"{directory}");
    }

    /// <summary>Methods that learn a teacher's labels find some.</summary>
    private static void TeacherLabels(StudyOptions options, IReadOnlyList<StudyData> data)
    {
        if (data.FirstOrDefault(d => d.TeacherTrainRows == 0) is not { } set) return;
        if (options.Methods.FirstOrDefault(m => StudyMethod.Find(m)!.Labels == LabelSource.Teacher) is not { } method) return;
        throw new InputException(
            $"{set.Directory}: no row of {SplitNames.Train} has a teacher's label, and --methods {method} learns them; add them with "
            + "\"distill annotate\", or leave the method out");
    }

    /// <summary>Rows have the labels that methods learn and that checkpoints are chosen by.</summary>
    private static void Labels(StudyOptions options, IReadOnlyList<StudyData> data)
    {
        var gold = options.Methods.Any(m => StudyMethod.Find(m)!.Labels == LabelSource.Gold);
        foreach (var set in data)
        {
            var dataset = Dataset.Open(set.Directory);

            // Read again only to name the row, or the file.
            if (gold && (set.TrainRows == 0 || set.LabelledTrainRows < set.TrainRows)) dataset.Load(SplitNames.Train);
            if (set.ValidationRows > 0 && set.LabelledValidationRows == 0)
                throw new InputException(
                    $"{dataset.FilePath(SplitNames.Validation)}: none of the {set.ValidationRows} rows has a label, by which checkpoints "
                    + "are chosen; label them, or remove the file");
        }
    }

    /// <summary>Methods that learn from rationales find some.</summary>
    private static void Rationales(StudyOptions options, IReadOnlyList<StudyData> data)
    {
        if (data.FirstOrDefault(d => d.Rationales == 0) is not { } set) return;
        if (options.Methods.FirstOrDefault(m => StudyMethod.Find(m)!.ReadsRationales) is not { } method) return;
        throw new InputException(
            $"{set.Directory}: no row of {SplitNames.Train} has a rationale, and --methods {method} learns from them; add rationales with "
            + "\"distill annotate\", or leave the method out");
    }
}
