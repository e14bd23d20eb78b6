namespace DistillOnnx.Runtime;

/// <summary>Which graphs answer a closed-set task.</summary>
public enum GraphChoice
{
    /// <summary>The label graph where the bundle has one, otherwise the decoder.</summary>
    Auto,

    /// <summary>The label graph: tokens in, label log-probabilities out, one run.</summary>
    Label,

    /// <summary>The encoder and decoder graphs, scored over the label trie: the same probabilities, more work.</summary>
    Decoder,
}
