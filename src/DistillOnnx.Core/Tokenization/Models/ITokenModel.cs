namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>What turns text without added tokens into ids and back: Unigram pieces or bytes.</summary>
internal interface ITokenModel
{
    /// <summary>Ids of the model's own, sentinels not counted.</summary>
    int Count { get; }

    /// <summary>Number of sentinels behind them.</summary>
    int ExtraIds { get; }

    /// <summary>Id of the token that pads.</summary>
    int PadId { get; }

    /// <summary>Id of the token that ends a sequence.</summary>
    int EosId { get; }

    /// <summary>Id of the token that stands for what cannot be written.</summary>
    int UnkId { get; }

    /// <summary>How the model spells one of its own ids; null where it has no such id.</summary>
    /// <param name="id">An id.</param>
    string? TokenOf(int id);

    /// <summary>The id of a sentinel; −1 where there is none.</summary>
    /// <param name="k">Its number.</param>
    int SentinelId(int k);

    /// <summary>Tokenizes a segment.</summary>
    /// <param name="text">Text.</param>
    /// <param name="form">How it is normalised.</param>
    /// <param name="ids">Receives the ids.</param>
    void Append(ReadOnlySpan<char> text, SegmentForm form, List<int> ids);

    /// <summary>Applies the replacement rules alone.</summary>
    /// <param name="text">Text.</param>
    string ApplyRules(ReadOnlySpan<char> text);

    /// <summary>Turns ids into text; ids that it does not know give nothing.</summary>
    /// <param name="ids">Ids.</param>
    /// <param name="added">Added tokens that are text, by id; null for none.</param>
    string Decode(ReadOnlySpan<int> ids, IReadOnlyDictionary<int, string>? added);
}
