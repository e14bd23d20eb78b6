using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;
using DistillOnnx.Toolchain.Scripting;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// The options that all runs of a study share and what they are made from, in a file beside them: a study that goes on has to have the
/// same.
/// </summary>
internal static class StudyStamp
{
    private const string FileName = "study.json";
    private const string Inputs = "inputs";

    /// <summary>
    /// Where a study runs and writes, and what it may grow by: its runs do not depend on each other.
    /// </summary>
    private static readonly string[] FreeOptions =
    [
        "out", "overwrite", "resume", "threads", "device", "jobs", "keep_checkpoints", "seeds", "methods", "fractions", "data",
        "accuracies", "students", Inputs,
    ];

    /// <summary>Whether a directory holds a study.</summary>
    /// <param name="directory">The directory.</param>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Writes the options down.</summary>
    /// <param name="options">The study's.</param>
    /// <param name="inputs">From <see cref="StudyInputs"/>.</param>
    /// <param name="directory">An existing directory.</param>
    public static void Write(StudyOptions options, JsonObject inputs, string directory)
    {
        var stamp = Shared(options);
        stamp[Inputs] = inputs;
        AtomicFile.WriteAllBytes(
            Path.Combine(directory, FileName), JsonSerializer.SerializeToUtf8Bytes(stamp, StudyJson.Options));
    }

    /// <summary>Refuses options and inputs with which the runs so far were not made; writes down what is new.</summary>
    /// <param name="options">Those of the study that is to go on.</param>
    /// <param name="inputs">From <see cref="StudyInputs"/>.</param>
    /// <exception cref="InputException">Some differ, or the file is no stamp.</exception>
    public static void RequireSame(StudyOptions options, JsonObject inputs)
    {
        var file = Path.Combine(options.Out, FileName);
        JsonObject earlier;
        JsonObject earlierInputs;
        try
        {
            earlier = JsonNode.Parse(File.ReadAllText(file)) as JsonObject ?? throw new JsonException("expected an object");

            // Earlier versions wrote none down.
            earlierInputs = earlier[Inputs] as JsonObject ?? [];
            foreach (var free in FreeOptions) earlier.Remove(free);
        }
        catch (JsonException e)
        {
            throw new InputException($"{file}: not the options of a study: {e.Message}; --overwrite begins anew", e);
        }

        // An option that an earlier version did not know was at its default.
        var (mine, defaults) = (Shared(options), Shared(new StudyOptions()));
        var differing = OptionDifferences.Of(earlier, mine, defaults);
        if (differing.ToList() is { Count: > 0 } list)
            throw new InputException(
                $"{options.Out}: cannot be gone on with: its runs were made with other options, {string.Join(", ", list)}; "
                + "pass the same ones, or --overwrite");
        if (earlierInputs.Count > 0 && Untrained(options, earlierInputs) is { } added)
            throw new InputException(
                $"--data {added}: the tokenizer of {options.Out} was trained without its texts, and all runs share it; begin another study "
                + "with all datasets, or pass --tokenizer to one");
        Write(options, StudyInputs.Merge(earlierInputs, inputs, options.Out), options.Out);
    }

    /// <summary>Refuses inputs that are not those that the runs so far were made from; writes down what is new.</summary>
    /// <param name="options">The study, which has a stamp.</param>
    /// <param name="inputs">From <see cref="StudyInputs"/>.</param>
    public static void RequireInputs(StudyOptions options, JsonObject inputs)
    {
        if (inputs.Count == 0) return;
        var stamp = JsonNode.Parse(File.ReadAllText(Path.Combine(options.Out, FileName)))!.AsObject();
        Write(options, StudyInputs.Merge(stamp[Inputs] as JsonObject ?? [], inputs, options.Out), options.Out);
    }

    /// <summary>A dataset that came after the study's own tokenizer; null: there is none.</summary>
    private static string? Untrained(StudyOptions options, JsonObject earlier) =>
        !StudyTokenizer.IsTrained(options) || !Directory.Exists(Path.Combine(options.Out, StudyTokenizer.DirectoryName)) ? null
        : options.Data.Select(d => StudyNames.Parse(d).Name).FirstOrDefault(name => !earlier.ContainsKey(StudyInputs.Key(name)));

    private static JsonObject Shared(StudyOptions options)
    {
        // As they are used, given or not.
        var used = options with
        {
            World = [.. options.World.Order(StringComparer.Ordinal)],
            WorldRows = options.WorldRows ?? StudyOptions.DefaultWorldRows,
            Epochs = options.Epochs ?? TrainOptions.DefaultEpochs,
            MaxRationaleTokens = options.MaxRationaleTokens ?? TrainOptions.DefaultMaxRationaleTokens,
            VocabularySize = options.VocabularySize ?? TrainOptions.DefaultVocabularySize,
        };
        var all = JsonSerializer.SerializeToNode(used, StudyJson.Options)!.AsObject();
        foreach (var free in FreeOptions) all.Remove(free);
        return all;
    }
}
