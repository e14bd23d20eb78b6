using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// Turns text into what a model segments, as SentencePiece does: rules applied at the longest match, spaces trimmed and
/// merged, one put in front, every space written as U+2581. Time is linear in the text.
/// </summary>
internal sealed class TextNormalizer
{
    private readonly IReadOnlyList<TextStep> _steps;
    private readonly CharsMap? _rules;
    private readonly PieceMatcher? _untouched;
    private readonly bool _prefix;
    private readonly bool _suffix;
    private readonly bool _trim;
    private readonly byte[] _space;
    private readonly bool[] _keeps = new bool[128];

    /// <summary>Creates the normaliser of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">The file, for messages.</param>
    public TextNormalizer(SentencePieceModel model, string source)
    {
        _steps = model.Steps;
        _rules = CharsMap.Parse(model.PrecompiledCharsMap.Span, source);
        _prefix = model.AddDummyPrefix && !model.TreatWhitespaceAsSuffix;
        _suffix = model.AddDummyPrefix && model.TreatWhitespaceAsSuffix;
        _trim = model.RemoveExtraWhitespaces;
        _space = model.EscapeWhitespaces ? "\u2581"u8.ToArray() : " "u8.ToArray();
        var whole = model.Pieces.Where(p => p.Type == PieceType.UserDefined).Select(p => Encoding.UTF8.GetBytes(p.Text)).ToArray();
        if (whole.Length > 0) _untouched = new PieceMatcher(whole, source);
        for (var b = 0; b < _keeps.Length; b++)
            _keeps[b] = b != ' ' && (_rules?.Keeps((byte)b) ?? true) && _untouched?.Starts((byte)b) is not true;
    }

    /// <summary>Normalises.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="output">Receives the normalised text.</param>
    /// <param name="form">How a segment of a text differs from a whole one.</param>
    public void Normalize(ReadOnlySpan<byte> text, ref ByteBuffer output, SegmentForm form = SegmentForm.Text)
    {
        var rules = form.HasFlag(SegmentForm.Rules) ? _rules : null;
        if (_steps.Count > 0 && form.HasFlag(SegmentForm.Rules))
            text = Encoding.UTF8.GetBytes(TextStep.Apply(_steps, Encoding.UTF8.GetString(text)));
        var length = text.Length;
        if (_trim)
        {
            while (!text.IsEmpty && Prefix(text, rules, out var lead) is var used && lead is [(byte)' ']) text = text[used..];
        }

        var spaced = text.Length < length;
        if (text.IsEmpty && (form.HasFlag(SegmentForm.TrimEnd) || !spaced)) return;
        if (form.HasFlag(SegmentForm.Prefix) ? _prefix : spaced) output.Append(_space);
        var afterSpace = _trim;
        while (!text.IsEmpty)
        {
            var run = KeptRun(text);
            if (run > 0)
            {
                output.Append(text[..run]);
                text = text[run..];
                afterSpace = false;
                continue;
            }

            var used = Prefix(text, rules, out var piece);
            text = text[used..];
            if (afterSpace) piece = piece.TrimStart((byte)' ');
            if (piece.IsEmpty) continue;
            AppendEscaped(piece, ref output);
            afterSpace = _trim && piece[^1] == ' ';
        }

        if (_trim && form.HasFlag(SegmentForm.TrimEnd))
        {
            while (output.Written.EndsWith(_space)) output.Length -= _space.Length;
        }

        if (_suffix) output.Append(_space);
    }

    /// <summary>Applies the replacement rules, and leaves spaces as they are.</summary>
    /// <param name="text">Text.</param>
    public string ApplyRules(ReadOnlySpan<char> text)
    {
        if (_steps.Count > 0) text = TextStep.Apply(_steps, text.ToString());
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        var output = new ByteBuffer(bytes.Length);
        try
        {
            for (var rest = bytes.AsSpan(); !rest.IsEmpty;)
            {
                rest = rest[Prefix(rest, _rules, out var piece)..];
                output.Append(piece);
            }

            return Encoding.UTF8.GetString(output.Written);
        }
        finally
        {
            output.Dispose();
        }
    }

    /// <summary>Length of the ASCII text that no rule can touch. The last byte counts only when ASCII or nothing follows it.</summary>
    private int KeptRun(ReadOnlySpan<byte> text)
    {
        var i = 0;
        while (i < text.Length && text[i] < 0x80 && _keeps[text[i]]) i++;
        return i > 0 && i < text.Length && text[i] >= 0x80 ? i - 1 : i;
    }

    private void AppendEscaped(ReadOnlySpan<byte> piece, ref ByteBuffer output)
    {
        while (!piece.IsEmpty)
        {
            var space = piece.IndexOf((byte)' ');
            if (space < 0)
            {
                output.Append(piece);
                return;
            }

            output.Append(piece[..space]);
            output.Append(_space);
            piece = piece[(space + 1)..];
        }
    }

    /// <summary>What the text begins with, normalised, and how many bytes that is.</summary>
    private int Prefix(ReadOnlySpan<byte> text, CharsMap? rules, out ReadOnlySpan<byte> normalized)
    {
        var length = _untouched?.Match(text) ?? 0;
        if (length > 0)
        {
            normalized = text[..length];
            return length;
        }

        length = rules?.Match(text, out normalized) ?? Nothing(out normalized);
        if (length > 0) return length;
        if (Rune.DecodeFromUtf8(text, out _, out length) == System.Buffers.OperationStatus.Done)
        {
            normalized = text[..length];
            return length;
        }

        normalized = "\uFFFD"u8;
        return 1;
    }

    private static int Nothing(out ReadOnlySpan<byte> normalized)
    {
        normalized = default;
        return 0;
    }
}
