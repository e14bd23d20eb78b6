using System.Buffers.Binary;
using System.Text;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Metrics;

namespace DistillOnnx.Training.Tests.Metrics;

public sealed class TensorBoardWriterTests
{
    [Fact]
    public void Crc_OfTheStandardCheckString_IsTheStandardValue() => Assert.Equal(0xE3069283u, TensorBoardWriter.Crc("123456789"u8));

    [Fact]
    public void Add_Figure_WritesAWholeRecordThatHoldsIt()
    {
        using var directory = new TemporaryDirectory();
        using (var writer = new TensorBoardWriter(directory.Path))
        {
            ((IMetricSink)writer).Add(300, "train/label_loss", 0.5);
        }

        var records = Records(File.ReadAllBytes(Directory.GetFiles(directory.Path).Single())).ToList();
        Assert.Equal(2, records.Count);
        Assert.Contains("brain.Event:2", Encoding.Latin1.GetString(records[0]));
        Assert.Contains("train/label_loss", Encoding.Latin1.GetString(records[1]));

        // Step 300 as a varint, and 0.5 as the entry's simple_value.
        Assert.True(records[1].AsSpan().IndexOf((ReadOnlySpan<byte>)[0x10, 0xAC, 0x02]) > 0);
        Assert.True(records[1].AsSpan().EndsWith((ReadOnlySpan<byte>)[0x15, 0, 0, 0, 0x3F]));
    }

    private static IEnumerable<byte[]> Records(byte[] file)
    {
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            yield return file[(at + 12)..(at + 12 + length)];
            at += 12 + length + 4;
        }
    }
}
