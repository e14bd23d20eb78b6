using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly TensorInfo A = new("a", TensorType.Float32, [2, 3]);
    private static readonly TensorInfo Empty = new("empty", TensorType.Float32, [0, 7]);
    private static readonly TensorInfo B = new("b", TensorType.BFloat16, [3]);
    private static readonly TensorInfo Scalar = new("scalar", TensorType.Float16, []);
    private readonly TemporaryDirectory _directory = new();

    private string Target => _directory["x.safetensors"];

    [Fact]
    public void Write_InPiecesAndTypes_ReadsBack()
    {
        using (var writer = SafetensorsWriter.Create(Target, [A, Empty, B, Scalar]))
        {
            writer.Write("a", [1f, 2f]);
            writer.Write("a", [3f, 4f, 5f, 6f]);
            writer.Write("b", [1f, -2f, 0.5f]);
            writer.Write("scalar", [0.25f]);
            writer.Complete();
        }

        using var file = SafetensorsFile.Open(Target);
        Assert.Equal("pt", file.Metadata["format"]);
        var values = new float[6];
        file.ReadFloat32("a", values);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], values);
        file.ReadFloat32("a", values.AsSpan(0, 2), offset: 3);
        Assert.Equal([4f, 5f], values[..2]);
        file.ReadFloat32("b", values.AsSpan(0, 3));
        Assert.Equal([1f, -2f, 0.5f], values[..3]);
        file.ReadFloat32("scalar", values.AsSpan(0, 1));
        Assert.Equal(0.25f, values[0]);
        file.ReadFloat32("empty", []);
        Assert.True(file.TryGetBytes("b", out var bytes));
        Assert.Equal([0x80, 0x3F, 0x00, 0xC0, 0x00, 0x3F], bytes.ToArray());
        Assert.Throws<ArgumentException>(() => file.ReadFloat32("a", new float[7]));
        Assert.Throws<ArgumentException>(() => file.ReadFloat32("a", new float[1], offset: -1));
        Assert.Throws<ArgumentException>(() => file.ReadFloat32("none", new float[1]));
        Assert.Throws<ArgumentException>(() => file.ReadBytes("b", new byte[2], offset: 1));
    }

    [Fact]
    public void Write_SameTensors_GivesTheSameBytesAndAlignedValues()
    {
        TinyModel.WriteSafetensors(Target, [A, Empty]);
        var first = File.ReadAllBytes(Target);
        TinyModel.WriteSafetensors(Target, [A, Empty]);
        Assert.Equal(first, File.ReadAllBytes(Target));
        Assert.Equal(0, BitConverter.ToInt64(first) % 8);
    }

    [Fact]
    public void Write_WrongOrderOrTooMuch_IsRefused()
    {
        using var writer = SafetensorsWriter.Create(Target, [A, B]);
        Assert.Throws<ArgumentException>(() => writer.Write("b", [1f]));
        Assert.Throws<ArgumentException>(() => writer.Write("a", new float[7]));
        writer.Write("a", new float[5]);
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.Write("a", new float[1]);
        Assert.Throws<ArgumentException>(() => writer.Write("a", [1f]));
        Assert.Throws<InvalidOperationException>(writer.Complete);
    }

    [Fact]
    public void Dispose_BeforeComplete_LeavesTheEarlierFile()
    {
        TinyModel.WriteSafetensors(Target, [A]);
        var first = File.ReadAllBytes(Target);
        using (var writer = SafetensorsWriter.Create(Target, [B])) writer.Write("b", [1f]);
        Assert.Equal(first, File.ReadAllBytes(Target));
        Assert.Single(Directory.EnumerateFiles(_directory.Path));
    }

    [Fact]
    public void Create_NameTwice_IsRefused() => Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(Target, [A, A]));

    [Fact]
    public void ReadFloat32_IntegerTensor_SaysWhatItIs()
    {
        using (var writer = SafetensorsWriter.Create(Target, [new TensorInfo("i", TensorType.Int32, [1])]))
        {
            writer.Write("i", (ReadOnlySpan<byte>)[1, 0, 0, 0]);
            writer.Complete();
        }

        using var file = SafetensorsFile.Open(Target);
        Assert.Contains("found I32", Assert.Throws<InputException>(() => file.ReadFloat32("i", new float[1])).Message);
    }

    [Fact]
    public void Read_AfterDispose_Throws()
    {
        TinyModel.WriteSafetensors(Target, [A]);
        var file = SafetensorsFile.Open(Target);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.ReadFloat32("a", new float[6]));
    }

    public void Dispose() => _directory.Dispose();
}
