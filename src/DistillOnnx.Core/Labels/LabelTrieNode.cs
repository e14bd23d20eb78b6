namespace DistillOnnx.Core.Labels;

/// <summary>A prefix of one or more labels: what the decoder has emitted so far.</summary>
/// <param name="Index">Position in <see cref="LabelTrie.Nodes"/>.</param>
/// <param name="Parent">Index of the node one token shorter, or −1 at the root.</param>
/// <param name="Token">The token that leads here from the parent, or −1 at the root, where the decoder reads its start token.</param>
/// <param name="Depth">Tokens decoded so far, which is also the decoder position whose logits decide here.</param>
/// <param name="ChildTokens">The tokens that may follow, ascending.</param>
public sealed record LabelTrieNode(int Index, int Parent, int Token, int Depth, IReadOnlyList<int> ChildTokens)
{
    /// <summary>Whether more than one token may follow.</summary>
    public bool IsBranching => ChildTokens.Count > 1;

    /// <summary>Position of a token among <see cref="ChildTokens"/>, or −1.</summary>
    /// <param name="token">The token.</param>
    public int ChildIndex(int token)
    {
        for (var i = 0; i < ChildTokens.Count; i++)
        {
            if (ChildTokens[i] == token) return i;
        }

        return -1;
    }
}
