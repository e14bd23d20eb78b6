using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

public sealed class HostilePyTorchTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly T5Config _config = TinyModel.Config();
    private readonly List<TensorInfo> _tensors;
    private readonly byte[] _archive;
    private readonly byte[] _legacy;

    public HostilePyTorchTests()
    {
        _config.Save(_directory.Path);
        _tensors = [.. T5Layout.Enumerate(_config)];
        _archive = TorchFile.Archive(_config);
        _legacy = TorchFile.Legacy(_config);
    }

    /// <summary>Pickles that name something a program could run, in every way that a pickle can name and call things.</summary>
    public static TheoryData<string> Callables => new(
        "posix system", "os system", "nt system", "subprocess Popen", "builtins eval", "builtins exec", "__builtin__ eval",
        "builtins getattr",
        "torch load", "torch._utils _rebuild_tensor", "torch.nn Module", "torch.jit load", "collections defaultdict",
        "numpy.core.multiarray _reconstruct",
        "torch.storage _load_from_bytes", "functools partial", "torch FloatTensor", "torch  FloatStorage",
        "collections OrderedDict.fromkeys", " ");

    [Theory]
    [MemberData(nameof(Callables))]
    public void Open_PickleThatNamesAFunction_NamesItAndExecutesNothing(string function)
    {
        var canary = _directory["canary"];
        var (module, name) = (function[..function.IndexOf(' ')], function[(function.IndexOf(' ') + 1)..]);
        var global = new PickleBuilder().Protocol().Global(module, name).Op('(').Text($"touch {canary}").Op('t').Op('R').Op('.');
        var stack = new PickleBuilder().Protocol(4).Text(module).Text(name).Raw(0x93).Op('(').Text($"touch {canary}").Op('t').Op('R')
            .Op('.');
        foreach (var pickle in (PickleBuilder[])[global, stack])
        {
            var message = Refuse(TorchFile.Archive(pickle.ToArray(), []), function);
            Assert.Contains("nothing was executed", message);
            Assert.Contains($"{module}.{name}", message);
        }

        Assert.False(File.Exists(canary));
    }

    [Fact]
    public void Open_MutatedArchive_IsRefused()
    {
        for (var seed = 0; seed < 14 * 16; seed++) Refuse(Mutate(new Random(seed), seed % 14), $"mutation {seed}, kind {seed % 14}");
    }

    [Fact]
    public void Open_MutatedPickle_IsRefused()
    {
        var mutations = PickleMutations().ToList();
        foreach (var (what, pickle) in mutations) Refuse(TorchFile.Archive(pickle, TorchFile.Storages(_tensors)), what);
        Assert.True(mutations.Count >= 40);
    }

    [Fact]
    public void Open_RandomBytesOfThePickleChanged_IsReadOrRefused()
    {
        var sound = TorchFile.Pickle(_tensors);
        var refused = 0;
        for (var seed = 0; seed < 600; seed++)
        {
            var random = new Random(seed);
            var pickle = (byte[])sound.Clone();
            for (var i = random.Next(1, 4); i > 0; i--) pickle[random.Next(pickle.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Weights, TorchFile.Archive(pickle, TorchFile.Storages(_tensors)));
            if (!Hostile.OpensOrIsRefused(_directory.Path, $"seed {seed}")) refused++;
        }

        Assert.InRange(refused, 300, 600);
    }

    [Fact]
    public void Open_RandomBytesOfTheArchiveChanged_IsReadOrRefused()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])_archive.Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
                bytes[random.Next(2) == 0 ? random.Next(bytes.Length) : bytes.Length - 1 - random.Next(1500)] = (byte)random.Next(256);
            File.WriteAllBytes(Weights, bytes);
            Hostile.OpensOrIsRefused(_directory.Path, $"seed {seed}");
        }
    }

    [Fact]
    public void Open_LegacyFileMutated_IsRefused()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            Refuse((seed % 4) switch
            {
                0 => _legacy[..random.Next(_legacy.Length)],
                1 => [.. _legacy, .. new byte[random.Next(1, 99)]],
                2 => Replace(
                    _legacy, BitConverter.GetBytes((long)_config.VocabSize * _config.DModel),
                    BitConverter.GetBytes(random.NextInt64(1 << 30, long.MaxValue))),
                _ => Replace(_legacy, "FloatStorage"u8, Encoding.ASCII.GetBytes($"Float{random.Next(1000000, 9999999)}")),
            }, $"legacy {seed}");
        }
    }

    [Fact]
    public void Open_BombOfOneGigabyte_IsRefusedUnread()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("archive/data.pkl", CompressionLevel.Fastest).Open();
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 256; i++) entry.Write(zeros);
        }

        Assert.Contains("compressed", Refuse(stream.ToArray(), "bomb"));
    }

    [Fact]
    public void Open_TarOfAnOldPyTorch_SaysSo()
    {
        var tar = new byte[2048];
        Encoding.ASCII.GetBytes("sys_info").CopyTo(tar, 0);
        Encoding.ASCII.GetBytes("ustar").CopyTo(tar, 257);
        Assert.Contains("tar archive", Refuse(tar, "tar"));
    }

    [Fact]
    public void Open_TorchScript_SaysSo()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var name in (string[])["m/data.pkl", "m/constants.pkl"])
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write("."u8);
            }
        }

        Assert.Contains("TorchScript", Refuse(stream.ToArray(), "script"));
    }

    public void Dispose() => _directory.Dispose();

    private string Weights => _directory["pytorch_model.bin"];

    private string Refuse(byte[] file, string what)
    {
        File.WriteAllBytes(Weights, file);
        return Hostile.AssertRefused(_directory.Path, what);
    }

    private byte[] Mutate(Random random, int kind)
    {
        var bytes = (byte[])_archive.Clone();
        var end = bytes.Length - 22;
        var central = BitConverter.ToInt32(bytes, end + 16);
        var entries = new List<int>();
        int Field(int at) => BitConverter.ToUInt16(bytes, at);
        for (var p = central; p < end; p += 46 + Field(p + 28) + Field(p + 30) + Field(p + 32)) entries.Add(p);
        var entry = entries[random.Next(entries.Count)];
        void Set16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)value);
        void Set32(int at, long value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), (uint)value);
        switch (kind)
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                return [.. bytes, .. new byte[random.Next(1, 200)]];
            case 2: // the directory's place
                Set32(end + 16, random.NextInt64(0, uint.MaxValue));
                break;
            case 3: // the directory's size and number of files
                Set16(end + 10, random.Next(entries.Count + 1, 65535));
                break;
            case 4: // a 64-bit directory that is not there
                Set32(end + 16, uint.MaxValue);
                break;
            case 5:
                Set16(entry + 10, random.Next(1, 99));
                break;
            case 6:
                Set16(entry + 8, 1);
                break;
            case 7: // both sizes
                Set32(entry + 20, BitConverter.ToUInt32(bytes, entry + 24) + random.Next(100_000, 1 << 30));
                Set32(entry + 24, BitConverter.ToUInt32(bytes, entry + 20));
                break;
            case 8: // one size
                Set32(entry + 24, BitConverter.ToUInt32(bytes, entry + 24) + random.Next(1, 100));
                break;
            case 9: // a place with no such file
                Set32(entry + 42, (BitConverter.ToUInt32(bytes, entry + 42) + random.Next(1, 1 << 20)) & 0x7FFFFFFF);
                break;
            case 10: // two files in one place
                Set32(entry + 42, BitConverter.ToUInt32(bytes, entries[(entries.IndexOf(entry) + 1) % entries.Count] + 42));
                break;
            case 11: // a file that stands twice
                return Replace(Replace(bytes, "archive/data/1"u8, "archive/data/2"u8), "archive/data/1"u8, "archive/data/2"u8);
            case 12: // damage that only the checksum shows
                var pickle = bytes.AsSpan().IndexOf("shared.weight"u8);
                bytes[pickle + random.Next(13)] ^= (byte)(1 << random.Next(8));
                break;
            default: // a signature
                bytes[entry + random.Next(4)] ^= 0x55;
                break;
        }

        return bytes;
    }

    private IEnumerable<(string What, byte[] Pickle)> PickleMutations()
    {
        PickleBuilder P(byte protocol = 2) => new PickleBuilder().Protocol(protocol);
        var shared = _tensors[0];
        PickleBuilder One(Func<PickleBuilder, PickleBuilder> tensor) => tensor(P().OrderedDictionary().Text(shared.Name)).Op('s').Op('.');
        PickleBuilder View(string key, long count, long offset, long[] shape, long[] strides, string type = "FloatStorage") =>
            One(p => p.Tensor(key, count, offset, shape, strides, type));

        yield return ("empty", []);
        yield return ("no end", P().Op('}').ToArray());
        yield return ("nothing on the stack", P().Op('.').ToArray());
        yield return ("left over", P().Op('}').Op('}').Op('.').ToArray());
        yield return ("bytes after", P().Op('}').Op('.').Op('.').ToArray());
        foreach (var protocol in (byte[])[0, 1, 6, 255]) yield return ($"protocol {protocol}", P(protocol).Op('}').Op('.').ToArray());
        foreach (var code in "iopP\x81\x82\x83\x84\x92\x8b\x8e\x8f\x90\x91\x96\x97\x98IFSVLg\0")
            yield return ($"instruction {(int)code}", P().Op('(').Op(code).Raw(new byte[64]).Op('.').ToArray());
        yield return ("marks", P().Raw(Enumerable.Repeat((byte)'(', 2_000_000).ToArray()).ToArray());
        yield return (
            "deep lists",
            P().Raw(Enumerable.Repeat((byte)']', 900_000).ToArray()).Raw(Enumerable.Repeat((byte)'a', 899_999).ToArray()).Op('.')
            .ToArray());
        yield return ("list within itself", P().Op(']').Op('2').Op('a').Op('.').ToArray());
        yield return ("huge text", P().Op('X').Raw(0xFF, 0xFF, 0xFF, 0x7F).ToArray());
        yield return ("huger text", P(4).Raw(0x8D).Raw(BitConverter.GetBytes(ulong.MaxValue)).ToArray());
        yield return ("bad text", P().Op('X').Raw(2, 0, 0, 0, 0xC3, 0x28).Op('.').ToArray());
        yield return ("huge number", P().Raw(0x8A, 255).Raw(new byte[255]).Op('.').ToArray());
        yield return ("empty memo", P().Raw((byte)'h', 9).Op('.').ToArray());
        yield return ("call of a number", P().Int(1).Op(')').Op('R').Op('.').ToArray());
        yield return ("call of a storage class", P().Global("torch", "FloatStorage").Op(')').Op('R').Op('.').ToArray());
        yield return (
            "attributes of a tensor",
            One(p => p.Tensor("0", 120, 0, shared.Shape, PickleBuilder.RowMajor(shared.Shape)).Op('}').Op('b')).ToArray());
        yield return ("other reference", P().Op('(').Text("module").Text("x").Op('t').Op('Q').Op('.').ToArray());
        yield return ("not a dictionary", P().Op(']').Op('.').ToArray());
        yield return ("number in the dictionary", P().Op('}').Text("epoch").Int(3).Op('s').Op('.').ToArray());
        yield return ("dictionary in the dictionary", P().Op('}').Text("state_dict").Op('}').Op('s').Op('.').ToArray());
        yield return ("number as name", P().Op('}').Int(3).Tensor("0", 120, 0, [120], [1]).Op('s').Op('.').ToArray());
        yield return ("odd items", P().Op('}').Op('(').Text("a").Op('u').Op('.').ToArray());
        yield return (
            "tensor twice",
            P().Op('}').Op('(').Text("a").Tensor("0", 120, 0, [120], [1]).Text("a").Tensor("0", 120, 0, [120], [1]).Op('u').Op('.')
            .ToArray());
        yield return ("tensors missing", View("0", 120, 0, [20, 6], [6, 1]).ToArray());
        yield return ("outside by offset", View("0", 120, 1, [20, 6], [6, 1]).ToArray());
        yield return ("huge offset", View("0", 120, long.MaxValue, [0], [1]).ToArray());
        yield return ("outside by stride", View("0", 120, 0, [20, 6], [7, 1]).ToArray());
        yield return ("stride that overflows", View("0", 120, 0, [20, 6], [long.MaxValue, long.MaxValue]).ToArray());
        yield return ("negative stride", View("0", 120, 119, [20, 6], [-6, -1]).ToArray());
        yield return ("negative shape", View("0", 120, 0, [-20, -6], [6, 1]).ToArray());
        yield return ("shape that overflows", View("0", 120, 0, [long.MaxValue, long.MaxValue], [0, 0]).ToArray());
        yield return ("expanded", View("0", 120, 0, [1L << 40], [0]).ToArray());
        yield return (
            "many dimensions", View("0", 120, 0, [.. Enumerable.Repeat(1L, 200_000)], [.. Enumerable.Repeat(1L, 200_000)]).ToArray());
        yield return ("strides missing", View("0", 120, 0, [20, 6], [6]).ToArray());
        yield return ("storage too large", View("0", 121, 0, [20, 6], [6, 1]).ToArray());
        yield return ("storage of huge size", View("0", long.MaxValue, 0, [20, 6], [6, 1]).ToArray());
        yield return ("storage of negative size", View("0", -1, 0, [20, 6], [6, 1]).ToArray());
        yield return ("storage of another type", View("0", 120, 0, [20, 6], [6, 1], "HalfStorage").ToArray());
        yield return ("storage missing", View("9999", 120, 0, [20, 6], [6, 1]).ToArray());
        yield return ("storage elsewhere", View("../data.pkl", 120, 0, [20, 6], [6, 1]).ToArray());
        yield return ("storage by path", View("/etc/passwd", 120, 0, [20, 6], [6, 1]).ToArray());
    }

    private static byte[] Replace(byte[] bytes, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var result = (byte[])bytes.Clone();
        var at = bytes.AsSpan().IndexOf(from);
        Assert.True(at >= 0);
        to.CopyTo(result.AsSpan(at));
        return result;
    }
}
