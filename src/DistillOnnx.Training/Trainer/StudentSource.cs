using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Trainer;

/// <summary>Where a student comes from: a checkpoint with weights, or a shape that begins from nothing.</summary>
internal sealed class StudentSource
{
    /// <summary>Rows of the embedding are a multiple of this, for which matrix products are fastest.</summary>
    private const int VocabularyMultiple = 64;

    private readonly T5Config _config;

    private readonly CheckpointPlace? _checkpoint;

    private StudentSource(T5Config config, CheckpointPlace? checkpoint)
    {
        (_config, _checkpoint) = (config, checkpoint);
    }

    /// <summary>The checkpoint whose configuration the student's begins from; null: from scratch.</summary>
    public string? CheckpointDirectory => _checkpoint?.BaseDirectory;

    /// <summary>Whether the weights begin from nothing.</summary>
    public bool FromScratch => _checkpoint is null;

    /// <summary>Share of activations dropped, as the configuration says.</summary>
    public float Dropout => _config.DropoutRate;

    /// <summary>Finds out what a user meant by <c>--student</c>.</summary>
    /// <param name="student">A preset's name, a checkpoint directory or a <c>config.json</c>.</param>
    /// <param name="baseDirectory">The base of a checkpoint that is a LoRA adapter; null: the one that it names.</param>
    /// <param name="option">The option that gave it, for messages.</param>
    /// <exception cref="InputException">It is none of them.</exception>
    public static StudentSource Resolve(string student, string? baseDirectory = null, string option = "--student")
    {
        if (Directory.Exists(student))
        {
            var place = CheckpointPlace.Find(student, baseDirectory);
            return new StudentSource(T5Config.Load(place.BaseDirectory), place);
        }

        if (baseDirectory is not null)
            throw new InputException($"--student \"{student}\": --base is for adapters, and this is no directory of one");
        if (File.Exists(student)) return new StudentSource(T5Config.Load(student), null);
        if (T5Presets.Contains(student)) return new StudentSource(T5Presets.Load(student), null);
        throw new InputException(
            $"{option} \"{student}\": expected a checkpoint directory, a config.json, "
            + $"or one of the presets {string.Join(", ", T5Presets.Names)}");
    }

    /// <summary>The tokenizer that the student reads with.</summary>
    /// <param name="directory">What the user chose; null: the checkpoint's, or one trained on texts.</param>
    /// <param name="vocabularySize">Pieces of one that is trained; null: not given.</param>
    /// <param name="defaultSize">Pieces where none are given.</param>
    /// <param name="texts">Training texts.</param>
    /// <param name="reporter">Receives a message where one is trained.</param>
    /// <param name="cancellationToken">Stops that.</param>
    /// <exception cref="InputException">There is none, or it has more pieces than the checkpoint's embedding has rows.</exception>
    public T5Tokenizer Tokenizer(
        string? directory, int? vocabularySize, int defaultSize, Func<IEnumerable<string>> texts, IReporter reporter,
        CancellationToken cancellationToken)
    {
        if (directory is null && FromScratch)
            return TrainedTokenizer.Train(texts(), vocabularySize ?? defaultSize, reporter, cancellationToken);
        if (vocabularySize is not null)
            throw new InputException("--vocabulary-size: no tokenizer is trained: --tokenizer or the student brings one");
        directory ??= _checkpoint!.TokenizerDirectory;
        var tokenizer = T5Tokenizer.Load(directory);
        if (tokenizer.Note is { } note) reporter.Info(note);
        if (!FromScratch) tokenizer.RequireRows(_config.VocabSize, $"the embedding of {CheckpointDirectory}");
        return tokenizer;
    }

    /// <summary>Makes the model.</summary>
    /// <param name="tokenizer">Gives the vocabulary of a student from scratch.</param>
    /// <param name="dropout">Replaces the configuration's; null: does not.</param>
    /// <param name="device">Where its weights lie.</param>
    /// <param name="seed">Seed of initial weights.</param>
    /// <param name="reporter">Receives what of the checkpoint was not used.</param>
    /// <exception cref="InputException">
    /// The checkpoint is malformed, or its configuration ends or starts decoding at other tokens than the tokenizer has for that.
    /// </exception>
    public T5Model Create(T5Tokenizer tokenizer, double? dropout, Device device, long seed, IReporter reporter)
    {
        T5Config WithDropout(T5Config config) => dropout is { } share ? config with { DropoutRate = (float)share } : config;
        if (FromScratch)
        {
            var rows = (tokenizer.VocabularySize + VocabularyMultiple - 1) / VocabularyMultiple * VocabularyMultiple;
            var config = WithDropout(_config) with
            {
                VocabSize = rows,
                PadTokenId = tokenizer.PadId,
                EosTokenId = tokenizer.EosId,
                DecoderStartTokenId = tokenizer.PadId,
            };
            return new T5Model(config, device, seed);
        }

        using var checkpoint = Checkpoint.Open(
            _checkpoint!.Directory, _checkpoint.BaseDirectory == _checkpoint.Directory ? null : _checkpoint.BaseDirectory);
        foreach (var note in checkpoint.Notes) reporter.Info(note);
        tokenizer.RequireTokensOf(checkpoint.Config, Path.Combine(_checkpoint.BaseDirectory, T5Config.FileName));

        // The tensors decide a part of the configuration: whether the head is the embedding.
        var model = new T5Model(WithDropout(checkpoint.Config), device);
        model.LoadWeights(checkpoint);
        return model;
    }
}
