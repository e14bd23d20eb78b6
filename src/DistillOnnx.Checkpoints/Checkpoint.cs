using DistillOnnx.Checkpoints.Adapters;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// A Hugging Face checkpoint directory of a T5: its configuration and its weights under canonical names, whatever file format
/// holds them. Opening checks every claim of the files against each other; nothing in them is executed and nothing outside
/// the directory is read.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private Checkpoint(
        CheckpointPlace place, T5Config config, ITensorSource tensors, IReadOnlyList<string> files, IReadOnlyList<string> notes)
    {
        Place = place;
        Config = config;
        Tensors = tensors;
        Files = files;
        Notes = notes;
    }

    /// <summary>The directory.</summary>
    public string Directory => Place.Directory;

    /// <summary>The directory, and where its configuration and its tokenizer are.</summary>
    public CheckpointPlace Place { get; }

    /// <summary>The shape of the model.</summary>
    public T5Config Config { get; }

    /// <summary>Exactly the weights of <see cref="T5Layout"/>, by the names of <see cref="T5TensorNames"/>.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The files that the weights are read from: those of the base, then an adapter's own.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>What a user may want to know about what was not used, one line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>
    /// Opens a checkpoint: <c>model.safetensors</c>, else sharded safetensors, else <c>pytorch_model.bin</c>, whole or sharded; or a LoRA
    /// adapter of PEFT, which is merged into its base.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="baseDirectory">The base of an adapter; null: the one that the adapter names.</param>
    /// <exception cref="InputException">A file is missing or malformed, or the weights are not those that the configuration asks
    /// for.</exception>
    public static Checkpoint Open(string directory, string? baseDirectory = null)
    {
        var place = CheckpointPlace.Find(directory, baseDirectory);
        var notes = new List<string>();
        if (UnfinishedRun(directory) is { } unfinished) notes.Add(unfinished);
        var (config, keys) = CheckpointConfig.Load(place.BaseDirectory, notes);
        var (source, file, files) = WeightFiles.Open(place.BaseDirectory, notes);
        try
        {
            source = WrapperPrefixes.Strip(source, file, notes);
            if (place.Adapter is { } adapter)
            {
                notes.Add($"{directory}: the base of the adapter is {place.BaseDirectory}");
                notes.AddRange(adapter.Notes);
                (source, var own) = LoraAdapter.Merge(directory, adapter, source, notes);
                files = [.. files, own];
            }

            (config, var names) = CanonicalNames.Resolve(config, keys, source, file, notes);
            source = new RenamedTensors(source, names);
            T5Layout.Validate(config, source.Tensors, file);
            FiniteWeights.Require(source, file);
            if (config is { TieWordEmbeddings: false, ScaleDecoderOutputs: true }) (config, source) = ScaledHead.Fold(config, source);
            return new Checkpoint(place, config, source, files, notes);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the files.</summary>
    public void Dispose() => Tensors.Dispose();

    // A run that was stopped leaves the best weights until then, which are not those that it was to give.
    private static string? UnfinishedRun(string directory) => TrainingFile.IsRunning(directory)
        ? $"{directory}: its training was stopped before its last step; train --resume continues it"
        : null;
}
