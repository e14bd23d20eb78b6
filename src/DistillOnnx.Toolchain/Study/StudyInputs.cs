using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// What the runs of a study are made from, by the names that its tables use: SHA-256 of every file of a dataset and of a student. Runs of
/// one name are put together, so a study that goes on has to find the same under it.
/// </summary>
internal static class StudyInputs
{
    private static readonly string[] CheckpointExtensions = [".json", ".safetensors", ".bin", ".model"];

    /// <summary>Reads all files that runs are made from.</summary>
    /// <param name="options">The study.</param>
    /// <returns>An object of files for each dataset and student.</returns>
    /// <exception cref="InputException">A file cannot be read.</exception>
    public static JsonObject Of(StudyOptions options)
    {
        var inputs = new JsonObject();
        foreach (var (name, directory) in options.Data.Select(StudyNames.Parse))
        {
            inputs[Key(name)] = OfDataset(options, directory);
        }

        foreach (var (name, student) in options.Students.Select(StudyNames.Parse))
        {
            inputs[$"student {name}"] = Directory.Exists(student) ? Hashes(Directory.GetFiles(student).Where(IsOfCheckpoint))
                : File.Exists(student) ? Hashes([student])
                : new JsonObject { ["preset"] = student };
        }

        if (options.Tokenizer is { } tokenizer) inputs["tokenizer"] = Hashes(Directory.GetFiles(tokenizer).Where(IsOfCheckpoint));
        return inputs;
    }

    /// <summary>Reads the files of the generated world; without one the result is empty.</summary>
    /// <param name="options">The study.</param>
    /// <param name="study">The directory that it lies in.</param>
    public static JsonObject OfWorld(StudyOptions options, string study)
    {
        var inputs = new JsonObject();
        if (options.World.Count > 0) inputs[Key(StudyWorld.Name)] = OfDataset(options, StudyWorld.Directory(study));
        return inputs;
    }

    /// <summary>The name that a dataset's files are kept by.</summary>
    public static string Key(string dataset) => $"data {dataset}";

    /// <summary>What earlier runs were made from, and what is new beside it.</summary>
    /// <param name="earlier">What a study has written down.</param>
    /// <param name="now">What it is to go on with.</param>
    /// <param name="study">Named in the message.</param>
    /// <exception cref="InputException">Something of a name that both have is another.</exception>
    public static JsonObject Merge(JsonObject earlier, JsonObject now, string study)
    {
        var merged = earlier.DeepClone().AsObject();
        foreach (var (name, files) in now)
        {
            if (earlier[name] is not JsonObject before)
            {
                merged[name] = files!.DeepClone();
                continue;
            }

            var after = files!.AsObject();
            var changed = after.Select(f => f.Key).Union(before.Select(f => f.Key))
                .FirstOrDefault(file => !JsonNode.DeepEquals(before[file], after[file]));
            if (changed is null) continue;
            throw new InputException(
                $"{study}: cannot be gone on with: {name}: {changed} was {Show(before[changed])} when its runs were made and is now "
                + $"{Show(after[changed])}; bring back what it was, give what it is another name with NAME=, or pass --overwrite");
        }

        return merged;
    }

    private static string Show(JsonNode? value) => (string?)value switch
    {
        null => "not there",
        { Length: 64 } hash => $"SHA-256 {hash[..16]}…",
        var text => text,
    };

    private static bool IsOfCheckpoint(string file) =>
        CheckpointExtensions.Contains(Path.GetExtension(file), StringComparer.Ordinal) && Path.GetFileName(file) != TrainingFile.Name;

    private static JsonObject OfDataset(StudyOptions options, string directory)
    {
        var dataset = Dataset.Open(directory);
        string[] splits = [SplitNames.Train, SplitNames.Validation, options.Split];
        return Hashes([Path.Combine(directory, TaskSpec.FileName), .. splits.Distinct().Where(dataset.Has).Select(dataset.FilePath)]);
    }

    private static JsonObject Hashes(IEnumerable<string> files)
    {
        var hashes = new JsonObject();
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            try
            {
                hashes[Path.GetFileName(file)] = BundleFile.Of(file).Sha256;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"{file}: cannot be read: {e.Message}", e);
            }
        }

        return hashes;
    }
}
