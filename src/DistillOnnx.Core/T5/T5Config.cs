using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>
/// The shape of a T5 model: Hugging Face's <c>config.json</c> for <c>t5</c>, <c>mt5</c> and <c>umt5</c>. Covers v1.0, v1.1, flan,
/// ByT5, mT5 and umT5, with encoder and decoder of unequal depth and heads whose widths do not add up to d_model.
/// </summary>
public sealed record T5Config
{
    /// <summary>The file's name within a checkpoint or bundle directory.</summary>
    public const string FileName = "config.json";

    // Far above any real one: a wrong file is told from its size and not read.
    private const long LongestFile = 16 << 20;

    /// <summary><c>t5</c>, <c>mt5</c> or <c>umt5</c>.</summary>
    public string ModelType { get; init; } = "t5";

    /// <summary>Rows of the embedding, and of lm_head; at least the tokenizer's vocabulary.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int DModel { get; init; }

    /// <summary>Width of one head's keys, queries and values.</summary>
    public required int DKv { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int DFf { get; init; }

    /// <summary>Encoder blocks.</summary>
    public required int NumLayers { get; init; }

    /// <summary>Decoder blocks.</summary>
    public required int NumDecoderLayers { get; init; }

    /// <summary>Attention heads.</summary>
    public required int NumHeads { get; init; }

    /// <summary>Buckets of the relative position bias; the encoder gives half of them to each direction.</summary>
    public int RelativeAttentionNumBuckets { get; init; } = 32;

    /// <summary>Distance in positions from which all share the last bucket.</summary>
    public int RelativeAttentionMaxDistance { get; init; } = 128;

    /// <summary>Whether every block has a relative position bias, as in umT5; otherwise the first block's serves its whole stack.</summary>
    public bool RelativeBiasPerBlock => ModelType == "umt5";

    /// <summary>Dropout probability in training.</summary>
    public float DropoutRate { get; init; } = 0.1f;

    /// <summary>Added to the mean square in the layer norm.</summary>
    public float LayerNormEpsilon { get; init; } = 1e-6f;

    /// <summary>Scales the standard deviations of initial weights.</summary>
    public float InitializerFactor { get; init; } = 1f;

    /// <summary>The feed-forward layer's non-linearity.</summary>
    public T5Activation Activation { get; init; } = T5Activation.Relu;

    /// <summary>Whether the feed-forward layer is gated: act(x·wi_0) ⊙ (x·wi_1) instead of act(x·wi).</summary>
    public bool IsGated { get; init; }

    /// <summary>Whether lm_head is the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>
    /// Whether the decoder's output is scaled by d_model^−0.5 before lm_head. Where nothing else was said (<see cref="WithHead"/>),
    /// exactly where lm_head is the embedding.
    /// </summary>
    public bool ScaleDecoderOutputs => HeadScale ?? TieWordEmbeddings;

    /// <summary>Padding token.</summary>
    public int PadTokenId { get; init; }

    /// <summary>End token <c>&lt;/s&gt;</c>.</summary>
    public int EosTokenId { get; init; } = 1;

    /// <summary>Further tokens at which decoding ends, where <c>eos_token_id</c> is a list.</summary>
    internal T5EndTokens OtherEndTokens { get; init; } = T5EndTokens.None;

    /// <summary>How many tokens end decoding.</summary>
    internal int EndTokenCount => 1 + OtherEndTokens.Tokens.Length;

    /// <summary>What the decoder reads first.</summary>
    public int DecoderStartTokenId { get; init; }

    // Null where it follows the tying, so that two configurations that mean the same are equal.
    private bool? HeadScale { get; init; }

    /// <summary>Width of all heads together: the rows of the q, k and v projections.</summary>
    public int InnerDim => NumHeads * DKv;

    /// <summary>Whether decoding ends at a token.</summary>
    /// <param name="token">The token.</param>
    internal bool IsEnd(int token) => token == EosTokenId || OtherEndTokens.Contains(token);

    /// <summary>Whether decoded tokens do not end by themselves: the limit ended them.</summary>
    internal bool IsCut(ReadOnlySpan<int> tokens) => tokens.IsEmpty || !IsEnd(tokens[^1]);

    /// <summary>Number of weights, the embedding counted once where it is tied.</summary>
    public long ParameterCount
    {
        get
        {
            long attention = 4L * DModel * InnerDim;
            long feedForward = (IsGated ? 3L : 2L) * DModel * DFf;
            long encoder = NumLayers * (attention + feedForward + 2L * DModel);
            long decoder = NumDecoderLayers * (2 * attention + feedForward + 3L * DModel);
            long biases = (RelativeBiasPerBlock ? (long)NumLayers + NumDecoderLayers : 2) * RelativeAttentionNumBuckets * NumHeads;
            return encoder + decoder + biases + 2L * DModel + (TieWordEmbeddings ? 1L : 2L) * VocabSize * DModel;
        }
    }

    /// <summary>The same shape with another output projection.</summary>
    /// <param name="tied">Whether lm_head is the embedding.</param>
    /// <param name="scaled">Whether the decoder's output is scaled by d_model^−0.5 before it.</param>
    public T5Config WithHead(bool tied, bool scaled) => this with { TieWordEmbeddings = tied, HeadScale = scaled == tied ? null : scaled };

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <param name="path">The file, or the directory that holds it.</param>
    /// <exception cref="InputException">The file is missing, is not JSON, or does not describe a T5.</exception>
    public static T5Config Load(string path)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, FileName);
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected a T5 configuration ({FileName})");
        return Parse(PlainFile.Read(path, LongestFile), path);
    }

    /// <summary>Reads a configuration from JSON.</summary>
    /// <param name="json">UTF-8 text of a <c>config.json</c>.</param>
    /// <param name="source">Named in messages.</param>
    /// <exception cref="InputException">The text is not JSON, or does not describe a T5.</exception>
    public static T5Config Parse(ReadOnlySpan<byte> json, string source) => T5ConfigJson.Parse(json, source);

    /// <summary>The configuration as Hugging Face writes it, ready for <c>config.json</c>.</summary>
    public JsonObject ToJson() => T5ConfigJson.Write(this);

    /// <summary>Writes <c>config.json</c>.</summary>
    /// <param name="path">The file, or the existing directory to put it in.</param>
    public void Save(string path)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, FileName);
        File.WriteAllText(path, ToJson().ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>All faults of this shape, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        void Range(string name, long value, long low, long high)
        {
            if (value < low || value > high) faults.Add($"\"{name}\" must be between {low} and {high}, found {value}");
        }

        if (T5Family.Fault(ModelType) is { } fault) faults.Add(fault);
        Range("vocab_size", VocabSize, 2, 1 << 22);
        Range("d_model", DModel, 1, 1 << 16);
        Range("d_kv", DKv, 1, 1 << 14);
        Range("d_ff", DFf, 1, 1 << 20);
        Range("num_layers", NumLayers, 1, 1024);
        Range("num_decoder_layers", NumDecoderLayers, 1, 1024);
        Range("num_heads", NumHeads, 1, 4096);
        Range("relative_attention_num_buckets", RelativeAttentionNumBuckets, 4, 1 << 16);
        Range("relative_attention_max_distance", RelativeAttentionMaxDistance, RelativeAttentionNumBuckets / 2 + 1, 1 << 20);
        Range("pad_token_id", PadTokenId, 0, Math.Max(0, VocabSize - 1));
        foreach (var end in (int[])[EosTokenId, .. OtherEndTokens.Tokens]) Range("eos_token_id", end, 0, Math.Max(0, VocabSize - 1));
        Range("decoder_start_token_id", DecoderStartTokenId, 0, Math.Max(0, VocabSize - 1));
        if (DropoutRate is not (>= 0f and < 1f)) faults.Add($"\"dropout_rate\" must be at least 0 and below 1, found {DropoutRate}");
        if (LayerNormEpsilon is not (> 0f and < 1f))
            faults.Add($"\"layer_norm_epsilon\" must be above 0 and below 1, found {LayerNormEpsilon}");
        if (!(InitializerFactor > 0f) || !float.IsFinite(InitializerFactor))
            faults.Add($"\"initializer_factor\" must be above 0, found {InitializerFactor}");
        return faults;
    }
}
