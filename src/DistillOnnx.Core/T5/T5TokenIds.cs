using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>Token ids as configurations spell them: a number, or a list of numbers.</summary>
internal static class T5TokenIds
{
    private const int MostIds = 1024;

    /// <summary>The ids that a number or a list of numbers names, each once; null where it is something else, or empty.</summary>
    public static int[]? Of(JsonNode node)
    {
        var items = node is JsonArray list ? [.. list.Take(MostIds + 1)] : (JsonNode?[])[node];
        var ids = items.Select(i => i is JsonValue value && value.TryGetValue<int>(out var id) ? id : (int?)null).Distinct().ToArray();
        return items.Length is 0 or > MostIds || ids.Contains(null) ? null : Array.ConvertAll(ids, id => id!.Value);
    }
}
