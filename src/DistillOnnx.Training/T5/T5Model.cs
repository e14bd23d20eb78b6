using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// The T5 encoder-decoder (Raffel et al. 2020, arXiv:1910.10683) in all forms of the family: v1.0, v1.1, flan and mT5. Parameters are
/// named as in Hugging Face's checkpoints. A new model is initialised as T5 is.
/// </summary>
public sealed class T5Model : nn.Module
{
    /// <summary>
    /// Added to scores that must not count: so low that the softmax gives 0, so high that sums with it stay finite in any type.
    /// </summary>
    internal const double MaskedScore = -1e30;

    private readonly ParameterArena _arena;
    private readonly T5Precision _precision = new();
    private readonly T5Linear _shared;
    private readonly T5Linear? _lmHead;
    private readonly T5Stack _encoder;
    private readonly T5Stack _decoder;

    /// <summary>Makes a model with initial weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="device">Where its weights lie; null: the CPU.</param>
    /// <param name="seed">Seed of the initial weights; null leaves them zero, for a checkpoint to fill.</param>
    public T5Model(T5Config config, Device? device = null, long? seed = null)
        : base(Loaded(nameof(T5Model)))
    {
        using var scope = NewDisposeScope();
        Config = config;
        device ??= CPU;
        _arena = new ParameterArena(config.ParameterCount, device);
        register_module("shared", _shared = new T5Linear(_arena.Take(config.VocabSize, config.DModel)));
        register_module("encoder", _encoder = new T5Stack(config, _arena, _precision, isDecoder: false));
        register_module("decoder", _decoder = new T5Stack(config, _arena, _precision, isDecoder: true));
        if (!config.TieWordEmbeddings) register_module("lm_head", _lmHead = new T5Linear(_arena.Take(config.VocabSize, config.DModel)));
        _arena.RequireExhausted();
        scope.Detach(_arena.Flat);
        scope.Detach(parameters());
        if (seed is { } s) T5Initializer.Initialize(this, s);
    }

    /// <summary>The model's shape.</summary>
    public T5Config Config { get; }

    /// <summary>Where the weights lie.</summary>
    public Device Device => _arena.Flat.device;

    /// <summary>
    /// All parameters end to end, in the order of <c>named_parameters</c>, sharing their memory: float32
    /// [<see cref="T5Config.ParameterCount"/>].
    /// </summary>
    public Tensor FlatParameters => _arena.Flat;

    /// <summary>
    /// The type that matrix products and attention run in: float32 or bfloat16. Weights and their gradients, norms, the residual
    /// stream and the loss are float32 in either case.
    /// </summary>
    public ScalarType ComputeType
    {
        get => _precision.ComputeType;
        set => _precision.ComputeType = value is ScalarType.Float32 or ScalarType.BFloat16
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "expected float32 or bfloat16");
    }

    /// <summary>Makes a model with a checkpoint's weights.</summary>
    /// <param name="checkpoint">The checkpoint; may be closed afterwards.</param>
    /// <param name="device">Where the weights will lie; null: the CPU.</param>
    public static T5Model Load(Checkpoint checkpoint, Device? device = null)
    {
        var model = new T5Model(checkpoint.Config, device);
        model.LoadWeights(checkpoint);
        return model;
    }

    /// <summary>Overwrites all weights with a checkpoint's.</summary>
    /// <param name="checkpoint">A checkpoint of the same shape; may be closed afterwards.</param>
    /// <exception cref="Core.InputException">A tensor is missing or has another shape.</exception>
    public void LoadWeights(Checkpoint checkpoint) => T5WeightTransfer.Load(this, checkpoint);

    /// <summary>Writes all weights as float32 safetensors, whole or not at all.</summary>
    /// <param name="path">The file; an earlier one is replaced.</param>
    /// <exception cref="Core.InputException">The file cannot be written.</exception>
    public void SaveWeights(string path) => T5WeightTransfer.Save(this, path);

    /// <summary>Runs the encoder.</summary>
    /// <param name="inputIds">int64 [B, S].</param>
    /// <param name="attentionMask">[B, S] of any type: 1 for a token, 0 for padding.</param>
    /// <returns>The last hidden states after norm and dropout, in <see cref="ComputeType"/>: [B, S, d_model].</returns>
    public Tensor Encode(Tensor inputIds, Tensor attentionMask)
    {
        using var scope = NewDisposeScope();
        var length = (int)inputIds.shape[1];
        var mask = MaskBias(attentionMask);
        // bias: (B, H, S, S)
        return _encoder.Forward(Embed(inputIds), p => p.Bias(length, length).Plus(mask)).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the decoder on all positions at once, each seeing itself and the ones before.</summary>
    /// <param name="decoderInputIds">int64 [B, T], the targets shifted right.</param>
    /// <param name="encoderHidden">What <see cref="Encode"/> gave: [B, S, d_model].</param>
    /// <param name="encoderMask">[B, S]: 1 for a token, 0 for padding.</param>
    /// <returns>The last hidden states after norm and dropout, in <see cref="ComputeType"/>: [B, T, d_model].</returns>
    public Tensor DecodeHidden(Tensor decoderInputIds, Tensor encoderHidden, Tensor encoderMask)
    {
        using var scope = NewDisposeScope();
        var length = (int)decoderInputIds.shape[1];
        var future = TensorMath.Constant([length, length], MaskedScore, ScalarType.Float32, decoderInputIds.device).triu(1);
        // (1, H, T, T)
        return DecodeHidden(decoderInputIds, p => p.Bias(length, length).Plus(future), encoderHidden, encoderMask)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Runs the decoder on one more position, after those that the caches hold.</summary>
    /// <param name="decoderInputIds">int64 [B, 1], the tokens decoded last.</param>
    /// <param name="position">Its position; the start token's is 0.</param>
    /// <param name="caches">What <see cref="CrossCaches"/> gave; the position is added to them.</param>
    /// <param name="crossBias">What <see cref="MaskBias"/> gave for the encoder's mask.</param>
    /// <returns>[B, d_model].</returns>
    internal Tensor DecodeStep(Tensor decoderInputIds, int position, IReadOnlyList<T5LayerCache> caches, Tensor crossBias)
    {
        using var scope = NewDisposeScope();
        return _decoder.Forward(Embed(decoderInputIds), p => p.Bias(1, position + 1, position), caches, crossBias)   // bias: (1, H, 1, T)
            .squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the decoder on positions whose order the caller states by their bias, such as a trie's nodes.</summary>
    /// <param name="decoderInputIds">int64 [B, N].</param>
    /// <param name="selfBias">Makes position bias and mask, which broadcast to [B, heads, N, N].</param>
    /// <param name="encoderHidden">[B, S, d_model].</param>
    /// <param name="encoderMask">[B, S].</param>
    /// <returns>[B, N, d_model].</returns>
    internal Tensor DecodeHidden(
        Tensor decoderInputIds, Func<T5RelativePosition, Tensor> selfBias, Tensor encoderHidden, Tensor encoderMask)
    {
        using var scope = NewDisposeScope();
        var caches = CrossCaches(encoderHidden, grows: false);
        return _decoder.Forward(Embed(decoderInputIds), selfBias, caches, MaskBias(encoderMask)).MoveToOuterDisposeScope();
    }

    /// <summary>Scores every vocabulary entry.</summary>
    /// <param name="hidden">Decoder states: […, d_model].</param>
    /// <returns>float32 […, vocab_size].</returns>
    public Tensor Logits(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return (_lmHead ?? _shared).Forward(HeadInput(hidden)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Cross-entropy of decoder states against their targets: the mean over target tokens.</summary>
    /// <param name="hidden">Decoder states: [B, T, d_model].</param>
    /// <param name="targets">int64 [B, T]; −100 marks positions without a target.</param>
    /// <returns>A scalar, in nats a token.</returns>
    public Tensor TargetLoss(Tensor hidden, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return TokenLosses(hidden, targets).mean().MoveToOuterDisposeScope();
    }

    /// <summary>Cross-entropy of decoder states against their targets, token by token.</summary>
    /// <param name="hidden">Decoder states: [B, T, d_model].</param>
    /// <param name="targets">int64 [B, T]; −100 marks positions without a target.</param>
    /// <returns>[target tokens] in nats, row by row.</returns>
    internal Tensor TokenLosses(Tensor hidden, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var flat = targets.reshape(-1);
        var rows = flat.OtherThan(-100).nonzero().squeeze(1);
        var logits = Logits(hidden.reshape(-1, Config.DModel).index_select(0, rows));
        return nn.functional.cross_entropy(logits, flat.index_select(0, rows), reduction: nn.Reduction.None).MoveToOuterDisposeScope();
    }

    /// <summary>What the decoder reads to produce the targets: the start token, then all but the last target.</summary>
    /// <param name="targets">int64 [B, T]; −100 becomes padding.</param>
    /// <returns>int64 [B, T].</returns>
    public Tensor ShiftRight(Tensor targets)
    {
        using var scope = NewDisposeScope();
        var start = TensorMath.Constant([targets.shape[0], 1], Config.DecoderStartTokenId, ScalarType.Int64, targets.device);
        var shifted = cat([start, targets.narrow(1, 0, targets.shape[1] - 1)], 1);
        return shifted.FilledWhere(shifted.EqualTo(-100), Config.PadTokenId).MoveToOuterDisposeScope();
    }

    /// <summary>Token embeddings: int64 [B, S] → [B, S, d_model].</summary>
    internal Tensor Embed(Tensor ids) => _shared.Weight.index_select(0, ids.reshape(-1)).view(ids.shape[0], ids.shape[1], Config.DModel);

    /// <summary>Projects the encoder's states to each decoder block's keys and values.</summary>
    internal T5LayerCache[] CrossCaches(Tensor encoderHidden, bool grows) => [.. _decoder.Blocks.Select(block =>
    {
        var (key, value) = block.CrossAttention!.KeysAndValues(encoderHidden);
        return new T5LayerCache(key, value, grows);
    })];

    /// <summary>0 at tokens, the lowest number at padding: [B, S] → [B, 1, 1, S].</summary>
    internal static Tensor MaskBias(Tensor mask)
    {
        using var scope = NewDisposeScope();
        return mask.EqualTo(0).to(ScalarType.Float32).Times(MaskedScore).unsqueeze(1).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>[vocab_size, d_model].</summary>
    internal Tensor HeadWeight => (_lmHead ?? _shared).Weight;

    /// <summary>A tied head's input is scaled down, since embeddings are not initialised as a projection's weights are.</summary>
    internal Tensor HeadInput(Tensor hidden) => Config.ScaleDecoderOutputs ? hidden.Times(1 / Math.Sqrt(Config.DModel)) : hidden.alias();

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _arena.Flat.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The base constructor is native already.</summary>
    private static string Loaded(string name)
    {
        LibTorch.Load();
        return name;
    }
}
