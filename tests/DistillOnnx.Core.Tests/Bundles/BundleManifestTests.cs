using System.Text.Json.Nodes;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Bundles;

public sealed class BundleManifestTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("task", "null", "\"task\" is null")]
    [InlineData("precisions", "null", "\"precisions\" is empty")]
    [InlineData("precisions", """{"fp32": null}""", "\"precisions\": \"fp32\" is null")]
    [InlineData("precisions", """{"fp32": {"graphs": null}}""", "\"precisions\": \"graphs\" of \"fp32\" is null")]
    [InlineData("precisions", """{"fp32": {"graphs": [null]}}""", "\"precisions\": \"graphs\" of \"fp32\" has a null")]
    [InlineData(
        "precisions",
        """{"fp32": {"graphs": ["../x"]}}""",
        "\"precisions\": \"graphs\" of \"fp32\" leads out of the bundle: \"../x\"")]
    [InlineData("precisions", """{"../x": {"graphs": []}}""", "\"precisions\": expected fp32, fp16, int8, q4, found \"../x\"")]
    [InlineData("files", "null", "\"files\" is null")]
    [InlineData("files", """{"x": null}""", "\"files\": \"x\" is null")]
    [InlineData("files", """{"x": {"bytes": 1, "sha256": null}}""", "\"files\": \"sha256\" of \"x\" is null")]
    [InlineData("source", """{"checkpoint": "x", "parameters": 1}""", "\"source\": \"weights\" is null")]
    [InlineData("parity", """{"max_relative_error": 0, "graphs": null}""", "\"parity\": \"graphs\" is null")]
    public void Load_NullOrForeignName_NamesFileAndKey(string key, string json, string fault)
    {
        Write(key, JsonNode.Parse(json));

        var error = Assert.Throws<InputException>(() => BundleManifest.Load(_directory.Path));

        Assert.Equal($"{_directory[BundleManifest.FileName]}: {fault}", error.Message);
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("fp16")]
    [InlineData("int8")]
    [InlineData("q4")]
    public void Load_KnownPrecision_IsTaken(string name)
    {
        Write("precisions", new JsonObject { [name] = new JsonObject { ["graphs"] = new JsonArray("label_model") } });

        Assert.Equal([name], BundleManifest.Load(_directory.Path).Precisions);
    }

    private void Write(string key, JsonNode? value)
    {
        var manifest = new BundleManifest
        {
            Task = new TaskSpec { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] },
            PrecisionDetails = new Dictionary<string, BundlePrecision> { ["fp32"] = new() { Graphs = ["label_model"] } },
        };
        manifest.Save(_directory.Path);
        var path = _directory[BundleManifest.FileName];
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = value;
        File.WriteAllText(path, json.ToJsonString());
    }
}
