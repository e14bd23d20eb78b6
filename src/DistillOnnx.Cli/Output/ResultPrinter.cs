using System.Text.Json.Nodes;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Cli.Output;

/// <summary>Puts a verb's result object on stdout: as one line of JSON, or as names and values for a person.</summary>
internal static class ResultPrinter
{
    /// <summary>Prints a result.</summary>
    public static void Print(object result, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(ResultJson.ToLine(result));
            return;
        }

        foreach (var (name, value) in Flatten("", ResultJson.ToNode(result)))
            Console.Out.WriteLine($"{name,-32} {value}");
    }

    private static IEnumerable<(string Name, string Value)> Flatten(string name, JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => Flatten(name.Length == 0 ? p.Key : $"{name}.{p.Key}", p.Value)),
        JsonArray { Count: 0 } => [],
        JsonArray a when a.Any(i => i is JsonObject or JsonArray) => a.SelectMany((item, i) => Flatten($"{name}[{i}]", item)),
        JsonArray a => [(name, string.Join(", ", a.Select(i => i?.ToString() ?? "")))],
        null => [],
        _ => [(name, node.ToString())],
    };
}
