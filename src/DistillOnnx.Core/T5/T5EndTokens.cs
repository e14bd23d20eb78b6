using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>Tokens at which decoding ends beside <see cref="T5Config.EosTokenId"/>. Sets of the same tokens are equal.</summary>
internal sealed class T5EndTokens : IEquatable<T5EndTokens>
{
    private readonly int[] _tokens;

    private T5EndTokens(int[] tokens) => _tokens = tokens;

    /// <summary>No further token.</summary>
    public static T5EndTokens None { get; } = new([]);

    /// <summary>The tokens, each once.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>Splits a list into the end token and those beside it.</summary>
    /// <param name="list">Distinct tokens, at least one.</param>
    public static (int First, T5EndTokens Others) Of(int[] list) =>
        (list[0], list.Length == 1 ? None : new T5EndTokens([.. list[1..].Order()]));

    /// <summary>Whether decoding ends at a token.</summary>
    /// <param name="token">The token.</param>
    public bool Contains(int token) => Array.IndexOf(_tokens, token) >= 0;

    /// <summary>What <c>eos_token_id</c> is: a number, or where there are several tokens a list.</summary>
    /// <param name="first">The end token.</param>
    public JsonNode ToJson(int first) => _tokens.Length == 0 ? JsonValue.Create(first) : new JsonArray([first, .. _tokens]);

    /// <inheritdoc/>
    public bool Equals(T5EndTokens? other) => other is not null && _tokens.AsSpan().SequenceEqual(other._tokens);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as T5EndTokens);

    /// <inheritdoc/>
    public override int GetHashCode() => _tokens.Aggregate(_tokens.Length, HashCode.Combine);
}
