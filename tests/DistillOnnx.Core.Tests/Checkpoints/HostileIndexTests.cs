using System.Text.Json.Nodes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

public sealed class HostileIndexTests : IDisposable
{
    private const string Second = "model-00002-of-00002.safetensors";
    private readonly TemporaryDirectory _outer = new();
    private readonly string _directory;
    private readonly JsonObject _index;

    public HostileIndexTests()
    {
        _directory = _outer["checkpoint"];
        Directory.CreateDirectory(_directory);
        _index = TinyModel.WriteSharded(_directory, TinyModel.Config());
        // A sound file outside the directory: only a reader that leaves the directory can open it.
        File.Copy(Path.Combine(_directory, Second), _outer[Second]);
    }

    [Fact]
    public void Open_IndexThatNamesAnotherPath_IsRefused()
    {
        string[] names =
        [
            $"../{Second}", $"./{Second}", $"x/../{Second}", $"checkpoint/../{Second}", _outer[Second],
            Path.Combine(_directory, Second), "/etc/passwd",
            $"..\\{Second}", $"C:\\{Second}", $"file://{Second}", $"{Second}\0.safetensors", $"../{Second}\0.safetensors", "", ".", "..",
            ".safetensors", "config.json",
            "pytorch_model.bin", "model.safetensors.index.json", $"~/{Second}", $"%2e%2e/{Second}", $" {Second}", $"{Second} ",
            $"{Second}/", $"//{Second}",
            new string('a', 5000) + ".safetensors", "none.safetensors", "-.safetensors", "CON.safetensors", "\u2025/x.safetensors",
        ];
        foreach (var name in names)
        {
            string[] tensors =
            [
                "shared.weight", "decoder.final_layer_norm.weight", "encoder.block.0.layer.0.SelfAttention.q.weight",
                "encoder.final_layer_norm.weight",
            ];
            foreach (var tensor in tensors)
                Refuse(m => m[tensor] = name, name);
        }
    }

    [Fact]
    public void Open_MutatedIndex_IsRefused()
    {
        var text = _index.ToJsonString();
        for (var seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            RefuseText((seed % 6) switch
            {
                0 => text[..random.Next(text.Length)],
                1 => text + "{",
                2 => text.Replace("weight_map", "weight_" + random.Next(9), StringComparison.Ordinal),
                3 => text.Replace("\"shared.weight\":", $"\"shared.weight\":\"{Second}\",\"shared.weight\":", StringComparison.Ordinal),
                4 => text.Insert(
                    text.IndexOf("\"weight_map\":", StringComparison.Ordinal) + 13,
                    ((string[])["[", "null,", "3,", "\"", "[[[[[[[[[[[[[[[[[[[["])[random.Next(5)]),
                _ => text.Replace(
                    "\"model-00001-of-00002.safetensors\"", ((string[])["1", "null", "{}", "[]", "true"])[random.Next(5)],
                    StringComparison.Ordinal),
            }, $"seed {seed}");
        }
    }

    [Fact]
    public void Open_TensorInAnotherShardThanTheIndexSays_IsRefused()
    {
        foreach (var (tensor, file) in _index["weight_map"]!.AsObject().Select(m => (m.Key, (string)m.Value!)).ToList())
            Refuse(m => m[tensor] = file == Second ? "model-00001-of-00002.safetensors" : Second, tensor);
        foreach (var tensor in _index["weight_map"]!.AsObject().Select(m => m.Key).ToList()) Refuse(m => m.Remove(tensor), tensor);
    }

    [Theory]
    [InlineData("model-00001-of-00002.safetensors")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("config.json")]
    public void Open_LinkOutOfTheDirectory_IsRefused(string name)
    {
        var path = Path.Combine(_directory, name);
        File.Move(path, _outer["moved-" + name]);
        File.CreateSymbolicLink(path, Path.Combine("..", "moved-" + name));
        Assert.Contains("link", Hostile.AssertRefused(_directory, name));
    }

    [Fact]
    public void Open_LinkThroughALinkedDirectory_IsRefused()
    {
        Directory.CreateSymbolicLink(Path.Combine(_directory, "inside"), "..");
        var path = Path.Combine(_directory, Second);
        File.Delete(path);
        File.CreateSymbolicLink(path, Path.Combine("inside", Second));
        Assert.Contains("link", Hostile.AssertRefused(_directory, "through"));
    }

    [Fact]
    public void Open_LinkToItself_IsRefused()
    {
        var path = Path.Combine(_directory, Second);
        File.Delete(path);
        File.CreateSymbolicLink(path, Second);
        Hostile.AssertRefused(_directory, "loop");
    }

    [Fact]
    public void Open_PipeInPlaceOfAFile_IsRefusedWithoutWaiting()
    {
        PlainFiles.WritePipe(Path.Combine(_directory, Second));
        Hostile.AssertRefused(_directory, "pipe");
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("model.safetensors")]
    [InlineData("adapter_config.json")]
    [InlineData("training.json")]
    public void Open_PipeInPlaceOfAnyFile_IsRefusedWithoutWaiting(string name)
    {
        PlainFiles.WritePipe(Path.Combine(_directory, name));
        if (name == "training.json")
        {
            // It is read for a remark alone.
            using var checkpoint = DistillOnnx.Checkpoints.Checkpoint.Open(_directory);
            return;
        }

        var message = Hostile.AssertRefused(_directory, name);
        Assert.Contains($"{name}: expected a plain file", message);
    }

    [Fact]
    public void Open_LinkWithinTheDirectory_IsFollowed()
    {
        var path = Path.Combine(_directory, "config.json");
        File.Move(path, Path.Combine(_directory, "real.json"));
        File.CreateSymbolicLink(path, "real.json");
        using var checkpoint = DistillOnnx.Checkpoints.Checkpoint.Open(_directory);
        Assert.Equal(TinyModel.Config(), checkpoint.Config);
        Assert.Equal(TinyModel.Config(), DistillOnnx.Core.T5.T5Config.Load(_directory));
    }

    [Fact]
    public void CopyTokenizer_Pipe_IsRefusedWithoutWaiting()
    {
        PlainFiles.WritePipe(Path.Combine(_directory, "tokenizer.json"));
        var fault = Assert.Throws<InputException>(
            () => DistillOnnx.Checkpoints.CheckpointFiles.CopyTokenizer(_directory, _outer.Path));
        Assert.Contains("tokenizer.json: expected a plain file", fault.Message);
    }

    public void Dispose() => _outer.Dispose();

    private void Refuse(Action<JsonObject> change, string what)
    {
        var index = (JsonObject)_index.DeepClone();
        change((JsonObject)index["weight_map"]!);
        RefuseText(index.ToJsonString(), what);
    }

    private void RefuseText(string text, string what)
    {
        File.WriteAllText(Path.Combine(_directory, "model.safetensors.index.json"), text);
        Hostile.AssertRefused(_directory, what);
    }
}
