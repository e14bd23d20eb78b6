using System.Text.Json.Nodes;

namespace DistillOnnx.Toolchain.Scripting;

/// <summary>Which options of a stage that goes on differ from those that it was begun with.</summary>
internal static class OptionDifferences
{
    /// <summary>Names them as flags, with both values.</summary>
    /// <param name="earlier">The options that were written down.</param>
    /// <param name="mine">Those given now.</param>
    /// <param name="defaults">What an option had that an earlier version did not know; null: nothing.</param>
    public static IEnumerable<string> Of(JsonObject earlier, JsonObject mine, JsonObject? defaults = null)
    {
        foreach (var name in mine.Select(o => o.Key).Union(earlier.Select(o => o.Key)))
        {
            var (before, now) = (earlier.TryGetPropertyValue(name, out var value) ? value : defaults?[name], mine[name]);
            if (JsonNode.DeepEquals(before, now)) continue;
            if (before is JsonObject a && now is JsonObject b)
            {
                foreach (var inner in Of(a, b, defaults?[name] as JsonObject)) yield return inner;
                continue;
            }

            yield return $"--{name.Replace('_', '-')} (there {Show(before)}, here {Show(now)})";
        }
    }

    private static string Show(JsonNode? value) => value switch
    {
        null => "not given",
        JsonValue text when text.TryGetValue<string>(out var plain) => plain.Length == 0 ? "\"\"" : plain,
        _ => value.ToJsonString(),
    };
}
