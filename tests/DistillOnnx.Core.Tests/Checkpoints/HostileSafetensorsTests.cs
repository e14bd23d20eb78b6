using System.Text;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

public sealed class HostileSafetensorsTests : IDisposable
{
    private const int Kinds = 24;
    private readonly TemporaryDirectory _directory = new();
    private readonly byte[] _sound;

    public HostileSafetensorsTests()
    {
        TinyModel.Write(_directory.Path, TinyModel.Config(tied: false, gated: true));
        _sound = File.ReadAllBytes(Weights);
    }

    private string Weights => _directory["model.safetensors"];

    [Fact]
    public void Open_MutatedFile_IsRefused()
    {
        for (var seed = 0; seed < Kinds * 12; seed++)
        {
            File.WriteAllBytes(Weights, Mutate(new Random(seed), seed % Kinds));
            Hostile.AssertRefused(_directory.Path, $"mutation {seed}, kind {seed % Kinds}");
        }
    }

    [Fact]
    public void Open_RandomBytesChanged_IsReadOrRefused()
    {
        var refused = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])_sound.Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
                bytes[random.Next(random.Next(2) == 0 ? bytes.Length : 2000)] = (byte)random.Next(256);
            File.WriteAllBytes(Weights, bytes);
            if (!Hostile.OpensOrIsRefused(_directory.Path, $"seed {seed}")) refused++;
        }

        Assert.InRange(refused, 100, 399);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git-lfs pointer")]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>", "HTML")]
    public void Open_FileOfAnotherKind_SaysWhatItIs(string content, string expected)
    {
        File.WriteAllText(Weights, content);
        Assert.Contains(expected, Hostile.AssertRefused(_directory.Path, content));
    }

    [Fact]
    public void Open_WrongShape_NamesTensorExpectedAndFound()
    {
        File.WriteAllBytes(Weights, Header(h => h["shared.weight"]!["shape"] = new JsonArray(6, 20)));
        var message = Hostile.AssertRefused(_directory.Path, "shape");
        Assert.Contains("\"shared.weight\"", message);
        Assert.Contains("[20, 6]", message);
        Assert.Contains("[6, 20]", message);
    }

    [Fact]
    public void Open_HeaderOfManyTensors_IsRefused()
    {
        var header = new StringBuilder("{");
        for (var i = 0; i < 20_001; i++)
            header.Append(i == 0 ? "" : ",").Append($"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        File.WriteAllBytes(Weights, Assemble(header.Append('}').ToString(), []));
        Assert.Contains("20000", Hostile.AssertRefused(_directory.Path, "many"));
    }

    public void Dispose() => _directory.Dispose();

    private byte[] Mutate(Random random, int kind)
    {
        var offsets = (JsonObject t) => (JsonArray)t["data_offsets"]!;
        long Delta() => random.Next(2) == 0 ? random.NextInt64(1, 5000) : -random.NextInt64(1, 5000);
        return kind switch
        {
            0 => _sound[..random.Next(_sound.Length)],
            1 => [.. _sound, .. new byte[random.Next(1, 5000)]],
            2 => WithLength((ulong)random.NextInt64(long.MinValue, long.MaxValue)),
            3 => WithLength((ulong)(HeaderLength + Delta())),
            4 => WithLength((ulong)random.NextInt64(100_000_001, 1L << 40)),
            5 => Header(h => offsets(Pick(h, random))[random.Next(2)] = random.NextInt64(-10_000, -1)),
            6 => Header(h => offsets(Pick(h, random))[1] = long.MaxValue - random.Next(100)),
            7 => Header(h => Shift(offsets(Pick(h, random)), Delta())),
            8 => Header(h => offsets(Pick(h, random))[0] = long.MaxValue),
            9 => Header(h => ((JsonArray)Pick(h, random)["shape"]!)[0] = random.NextInt64(30, long.MaxValue)),
            10 => Header(h => Pick(h, random)["shape"] = new JsonArray(1L << 32, 1L << 32, random.Next(1, 9))),
            11 => Header(h => Pick(h, random)["shape"] = new JsonArray(
                [.. Enumerable.Range(0, random.Next(33, 99)).Select(_ => JsonValue.Create(1))])),
            12 => Header(h => Pick(h, random)["dtype"] = ((string[])["F64", "F16", "I8", "F4", "f32", "", "C64"])[random.Next(7)]),
            13 => Header(h => Pick(h, random)["dtype"] = random.Next(2) == 0 ? "I32" : "U32"),
            14 => Header(h => Rename(h, random)),
            15 => Text(t =>
                t.Insert(1, $"\"{Names[random.Next(Names.Count)]}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}},")),
            16 => Header(h => h.Remove(Names[random.Next(Names.Count)])),
            17 => Text(t =>
                t.Remove(random.Next(t.Length - 1), 1)
                    .Insert(random.Next(1, t.Length - 1), ((string[])["{", "}", "[", "\"", "\u0001", ",,"])[random.Next(6)])),
            18 => Header(h => h["__metadata__"] = new JsonObject { ["format"] = random.Next(100) }),
            19 => Header(h => h["x"] = JsonNode.Parse(new string('[', 30) + new string(']', 30))),
            20 => Header(h => Pick(h, random)["extra"] = 1),
            21 => Header(h => Pick(h, random).Remove(((string[])["dtype", "shape", "data_offsets"])[random.Next(3)])),
            22 => Header(h => Overlap(h, random)),
            _ => Header(h => Pick(h, random)["shape"] = JsonNode.Parse(
                ((string[])["null", "[1.5]", "\"6\"", "[-6]", "{}", "[[6]]"])[random.Next(6)])),
        };
    }

    private int HeaderLength => (int)BitConverter.ToUInt64(_sound, 0);

    private static IReadOnlyList<string> Names { get; } =
        [.. T5Layout.Enumerate(TinyModel.Config(tied: false, gated: true)).Select(t => t.Name)];

    private static JsonObject Pick(JsonObject header, Random random) => (JsonObject)header[Names[random.Next(Names.Count)]]!;

    private static void Shift(JsonArray offsets, long delta)
    {
        offsets[0] = (long)offsets[0]! + delta;
        offsets[1] = (long)offsets[1]! + delta;
    }

    private static void Rename(JsonObject header, Random random)
    {
        var name = Names[random.Next(Names.Count)];
        var value = header[name]!.DeepClone();
        header.Remove(name);
        string[] others = ["../" + name, name + "\n", "\u202e" + name, "", name.ToUpperInvariant(), new string('x', 5000)];
        header[others[random.Next(others.Length)]] = value;
    }

    private static void Overlap(JsonObject header, Random random)
    {
        var (a, b) = (Pick(header, random), (JsonObject)header["decoder.final_layer_norm.weight"]!);
        if (a == b) a = (JsonObject)header["shared.weight"]!;
        b["data_offsets"] = a["data_offsets"]!.DeepClone();
    }

    private byte[] WithLength(ulong length) => [.. BitConverter.GetBytes(length), .. _sound[8..]];

    private byte[] Text(Func<string, string> change) =>
        Assemble(change(Encoding.UTF8.GetString(_sound, 8, HeaderLength).TrimEnd()), _sound[(8 + HeaderLength)..]);

    private byte[] Header(Action<JsonObject> change) => Text(t =>
    {
        var header = (JsonObject)JsonNode.Parse(t)!;
        change(header);
        return header.ToJsonString();
    });

    private static byte[] Assemble(string header, byte[] data)
    {
        var utf8 = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((ulong)utf8.Length), .. utf8, .. data];
    }
}
