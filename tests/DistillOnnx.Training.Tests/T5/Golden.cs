using System.Text.Json;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>A tiny model with what the reference implementation computes with it.</summary>
internal sealed class Golden : IDisposable
{
    private readonly JsonDocument _values;

    public Golden(string name)
    {
        Directory = SharedData.Require($"reference/{name}");
        _values = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Directory, "reference.json")));
        using var checkpoint = Checkpoint.Open(Directory);
        Model = T5Model.Load(checkpoint);
        Model.eval();
    }

    public static TheoryData<string> Names => ["t5-v1.0-tiny", "t5-v1.1-tiny", "t5-v1.0-tiny-fit"];

    public string Directory { get; }

    public T5Model Model { get; }

    public JsonElement this[params string[] path] => path.Aggregate(_values.RootElement, (e, name) => e.GetProperty(name));

    public float[] Floats(params string[] path) => Flatten(this[path]).Select(e => e.GetSingle()).ToArray();

    public long[][] Rows(params string[] path) =>
        [.. this[path].EnumerateArray().Select(r => r.EnumerateArray().Select(v => v.GetInt64()).ToArray())];

    /// <summary>int64 [rows, columns].</summary>
    public Tensor Ids(params string[] path)
    {
        var rows = Rows(path);
        return tensor(rows.SelectMany(r => r).ToArray()).view(rows.Length, rows[0].Length);
    }

    public void Dispose()
    {
        Model.Dispose();
        _values.Dispose();
    }

    private static IEnumerable<JsonElement> Flatten(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().SelectMany(Flatten) : [element];
}
