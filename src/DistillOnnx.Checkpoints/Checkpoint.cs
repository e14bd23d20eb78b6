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
    private Checkpoint(string directory, T5Config config, ITensorSource tensors, IReadOnlyList<string> notes)
    {
        Directory = directory;
        Config = config;
        Tensors = tensors;
        Notes = notes;
    }

    /// <summary>The directory.</summary>
    public string Directory { get; }

    /// <summary>The shape of the model.</summary>
    public T5Config Config { get; }

    /// <summary>Exactly the weights of <see cref="T5Layout"/>, by the names of <see cref="T5TensorNames"/>.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>What a user may want to know about what was not used, one line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Opens a checkpoint: <c>model.safetensors</c>, else sharded safetensors, else <c>pytorch_model.bin</c>, whole or sharded.</summary>
    /// <param name="directory">The directory.</param>
    /// <exception cref="InputException">A file is missing or malformed, or the weights are not those that the configuration asks for.</exception>
    public static Checkpoint Open(string directory)
    {
        if (!System.IO.Directory.Exists(directory)) throw new InputException($"{directory}: no such directory; expected a checkpoint");
        var notes = new List<string>();
        var (config, keys) = CheckpointConfig.Load(directory, notes);
        var (source, file) = WeightFiles.Open(directory);
        try
        {
            source = WrapperPrefixes.Strip(source, file, notes);
            (config, var names) = CanonicalNames.Resolve(config, keys, source, file, notes);
            source = new RenamedTensors(source, names);
            T5Layout.Validate(config, source.Tensors, file);
            FiniteWeights.Require(source, file);
            if (config is { TieWordEmbeddings: false, ScaleDecoderOutputs: true }) (config, source) = ScaledHead.Fold(config, source);
            return new Checkpoint(directory, config, source, notes);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the files.</summary>
    public void Dispose() => Tensors.Dispose();
}
