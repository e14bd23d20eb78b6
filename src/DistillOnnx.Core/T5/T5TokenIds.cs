using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>Token ids as configurations spell them: a number, or a list of numbers.</summary>
internal static class T5TokenIds
{
    /// <summary>The one id that a list holds, however often; null where it holds another number of them or something else.</summary>
    public static int? Single(JsonArray list)
    {
        int? only = null;
        foreach (var item in list)
        {
            if (item is not JsonValue value || !value.TryGetValue<int>(out var id) || (only is not null && only != id)) return null;
            only = id;
        }

        return only;
    }
}
