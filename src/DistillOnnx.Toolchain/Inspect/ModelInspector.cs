using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Inspects checkpoints and bundles.</summary>
internal static class ModelInspector
{
    /// <summary>A checkpoint's or an adapter's facts.</summary>
    public static CheckpointFacts Checkpoint(string directory, string? baseDirectory)
    {
        using var checkpoint = Checkpoints.Checkpoint.Open(directory, baseDirectory);
        var (config, place) = (checkpoint.Config, checkpoint.Place);
        var notes = checkpoint.Notes.ToList();
        var tokenizer = Tokenizer(place.TokenizerDirectory, config, Path.Combine(place.BaseDirectory, T5Config.FileName), notes);
        var task = Path.Combine(directory, TaskSpec.FileName);
        return new CheckpointFacts
        {
            Family = Family(config, tokenizer?.Kind),
            Shape = ShapeFacts.Of(config),
            Parameters = config.ParameterCount,
            Head = $"{(config.TieWordEmbeddings ? "tied" : "own")}, {(config.ScaleDecoderOutputs ? "scaled" : "not scaled")}",
            Base = place.IsAdapter ? place.BaseDirectory : null,
            WeightFiles = WeightFiles(checkpoint),
            Types = checkpoint.Tensors.Tensors.Values
                .GroupBy(t => t.Type)
                .ToDictionary(
                    g => g.Key.ToString().ToLowerInvariant(),
                    g => new TensorFacts(g.Count(), g.Sum(t => t.ElementCount), g.Sum(t => t.ByteCount)),
                    StringComparer.Ordinal),
            Tokenizer = tokenizer,
            Task = File.Exists(task) ? TaskSpec.Load(task) : null,
            Notes = notes,
        };
    }

    /// <summary>A bundle's facts. Files that differ are listed, not refused.</summary>
    public static BundleFacts Bundle(string directory, CancellationToken cancellationToken)
    {
        var manifest = BundleManifest.Load(directory);
        var faults = Unhashed(manifest).ToList();
        foreach (var (name, expected) in manifest.Files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (FileFault(Path.Combine(directory, name.Replace('/', Path.DirectorySeparatorChar)), expected) is { } fault)
                faults.Add($"{name}: {fault}");
        }

        var tokenizer = BundleTokenizer(directory, faults);
        return new BundleFacts
        {
            Version = manifest.Version,
            Producer = manifest.Producer,
            Task = manifest.Task,
            Source = manifest.Source,
            Portable = manifest.Portable,
            Precisions = manifest.PrecisionDetails,
            LabelModel = manifest.LabelModel,
            Calibration = manifest.Calibration,
            AbstainBelow = manifest.AbstainBelow,
            Parity = manifest.Parity,
            Tokenizer = tokenizer,
            Files = manifest.Files.Count,
            FileFaults = faults,
        };
    }

    // A file that differs may be no tokenizer any more: what else the bundle holds is shown all the same.
    private static TokenizerFacts? BundleTokenizer(string directory, List<string> faults)
    {
        var configFile = Path.Combine(directory, T5Config.FileName);
        try
        {
            return File.Exists(configFile) ? Tokenizer(directory, T5Config.Load(directory), configFile, []) : null;
        }
        catch (InputException e) when (faults.Count > 0)
        {
            faults.Add($"the tokenizer cannot be loaded: {e.Message}");
            return null;
        }
    }

    // A graph that the manifest gives to a precision but no hash for could be any file.
    private static IEnumerable<string> Unhashed(BundleManifest manifest) =>
        from precision in manifest.PrecisionDetails
        from graph in precision.Value.Graphs
        let name = BundleFiles.Graph(graph, precision.Key)
        where !manifest.Files.ContainsKey(name)
        select $"{name}: {BundleManifest.FileName} has no length and hash for it";

    private static string? FileFault(string path, BundleFile expected)
    {
        try
        {
            if (!File.Exists(path)) return "missing";
            var length = new FileInfo(path).Length;
            if (length != expected.Bytes) return $"expected {expected.Bytes} bytes, found {length}";
            var found = BundleFile.Of(path).Sha256;
            return found == expected.Sha256 ? null : $"expected SHA-256 {expected.Sha256}, found {found}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read: {e.Message}";
        }
    }

    private static TokenizerFacts? Tokenizer(string directory, T5Config config, string configFile, List<string> notes)
    {
        if (!TokenizerFiles.Names.Any(n => File.Exists(Path.Combine(directory, n)))) return null;
        var tokenizer = T5Tokenizer.Load(directory);
        if (tokenizer.Note is { } note) notes.Add(note);
        tokenizer.RequireTokensOf(config, configFile);
        return new TokenizerFacts
        {
            Kind = Has(T5Tokenizer.ModelFileName) ? "sentencepiece" : Has("tokenizer.json") ? "tokenizer_json" : "bytes",
            Directory = directory,
            Vocabulary = tokenizer.VocabularySize,
            Sentinels = tokenizer.ExtraIds,
            AddedTokens = tokenizer.AddedTokens,
            EmbeddingRows = config.VocabSize,
        };

        bool Has(string name) => File.Exists(Path.Combine(directory, name));
    }

    // ByT5 has the shape of a v1.1 and mT5's configuration in turn; only its tokenizer distinguishes it.
    private static string Family(T5Config config, string? tokenizer) =>
        (tokenizer, config.ModelType, config.IsGated, config.Activation) switch
        {
            ("bytes", _, _, _) => "ByT5",
            (_, "mt5", _, _) => "mT5",
            (_, "umt5", _, _) => "umT5",
            (_, _, false, T5Activation.Relu) => "T5 v1.0",
            (_, _, true, T5Activation.GeluNew) => "T5 v1.1",
            _ => $"T5 of another feed-forward layer ({(config.IsGated ? "gated " : "")}{config.Activation})",
        };

    // An adapter's own files, and those of the base that it is merged into.
    private static Dictionary<string, long> WeightFiles(Checkpoints.Checkpoint checkpoint)
    {
        var files = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var path in checkpoint.Files)
        {
            var file = new FileInfo(path);
            var name = path == Path.Combine(checkpoint.Directory, file.Name) ? file.Name : path;
            files[name] = file.LinkTarget is null
                ? file.Length
                : (file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo)?.Length ?? 0;
        }

        return new Dictionary<string, long>(files, StringComparer.Ordinal);
    }
}
