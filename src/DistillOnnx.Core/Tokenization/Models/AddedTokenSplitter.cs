namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// Tokenizes text in which added tokens may stand, in the order of Hugging Face's tokenizers library: tokens that are not
/// normalised are cut out of the text as it is, the rest is normalised, the others are cut out of that, and what remains goes to
/// the model.
/// </summary>
internal sealed class AddedTokenSplitter
{
    private readonly ITokenModel _model;
    private readonly SpaceRules _spaces;
    private readonly AddedTokenMatcher? _plain;
    private readonly AddedTokenMatcher? _normalized;

    /// <summary>Creates the splitter.</summary>
    /// <param name="model">Takes the text between the tokens.</param>
    /// <param name="spaces">How segments are normalised.</param>
    /// <param name="tokens">The tokens.</param>
    public AddedTokenSplitter(ITokenModel model, SpaceRules spaces, IReadOnlyList<AddedToken> tokens)
    {
        (_model, _spaces) = (model, spaces);
        _plain = Matcher(tokens.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        _normalized = Matcher(tokens.Where(t => t.Normalized).Select(t => (spaces.Normalize(model, t.Content), t))
            .Where(t => t.Item1.Length > 0).DistinctBy(t => t.Item1));
    }

    /// <summary>Tokenizes.</summary>
    /// <param name="text">A text.</param>
    /// <param name="ids">Receives the ids.</param>
    public void Append(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_plain is null)
        {
            AppendNormalized(text, true, ids);
            return;
        }

        int searched = 0, taken = 0;
        while (_plain.Next(text, ref searched, taken, out var start, out var end) is { } token)
        {
            if (start > taken) AppendNormalized(text[taken..start], taken == 0, ids);
            ids.Add(token.Id);
            taken = end;
        }

        if (taken < text.Length) AppendNormalized(text[taken..], taken == 0, ids);
    }

    private void AppendNormalized(ReadOnlySpan<char> text, bool first, List<int> ids)
    {
        var whole = SegmentForm.TrimEnd | Prefix(first);
        if (_normalized is null)
        {
            _model.Append(text, whole | SegmentForm.Rules, ids);
            return;
        }

        var normal = _spaces.Normalize(_model, text).AsSpan();
        int searched = 0, taken = 0;
        while (_normalized.Next(normal, ref searched, taken, out var start, out var end) is { } token)
        {
            if (start > taken) AppendRest(normal[taken..start], first && taken == 0, ids);
            ids.Add(token.Id);
            taken = end;
        }

        if (taken < normal.Length) AppendRest(normal[taken..], first && taken == 0, ids);
    }

    /// <summary>Text that is normalised already: a run of spaces may have become a mark, which stands for the space in front.</summary>
    private void AppendRest(ReadOnlySpan<char> text, bool first, List<int> ids)
    {
        var form = _spaces.SplitsAtSpaces ? SegmentForm.TrimEnd : SegmentForm.None;
        _model.Append(text, text[0] == SentencePieceModel.Space ? form : form | Prefix(first), ids);
    }

    private SegmentForm Prefix(bool first) => _spaces.Prefix switch
    {
        PrefixScheme.Always => SegmentForm.Prefix,
        PrefixScheme.First when first => SegmentForm.Prefix,
        _ => SegmentForm.None,
    };

    private static AddedTokenMatcher? Matcher(IEnumerable<(string, AddedToken)> tokens)
    {
        (string, AddedToken)[] all = [.. tokens];
        return all.Length == 0 ? null : new AddedTokenMatcher(all);
    }
}
