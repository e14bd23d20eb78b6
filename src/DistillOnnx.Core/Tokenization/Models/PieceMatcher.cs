namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>Finds the longest of a set of pieces that a text begins with: those that normalisation must leave whole.</summary>
internal sealed class PieceMatcher
{
    private readonly PieceTrie _trie;

    /// <summary>Creates the matcher.</summary>
    /// <param name="pieces">UTF-8, not empty.</param>
    /// <param name="source">The file, for messages.</param>
    public PieceMatcher(IReadOnlyList<byte[]> pieces, string source) =>
        _trie = PieceTrie.Build(pieces, [.. pieces.Select(_ => 0)], source);

    /// <summary>Whether a piece begins with a byte.</summary>
    /// <param name="first">The byte.</param>
    public bool Starts(byte first)
    {
        var slots = _trie.Slots;
        return (byte)slots[(int)(slots[0].Link >> 8) ^ first].Link == first;
    }

    /// <summary>Length in bytes of the longest piece that the text begins with; 0 for none.</summary>
    /// <param name="text">UTF-8.</param>
    public int Match(ReadOnlySpan<byte> text)
    {
        var slots = _trie.Slots;
        var node = slots[0];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            node = slots[(int)(node.Link >> 8) ^ text[i]];
            if ((byte)node.Link != text[i]) break;
            if (node.Value >= 0) length = i + 1;
        }

        return length;
    }
}
