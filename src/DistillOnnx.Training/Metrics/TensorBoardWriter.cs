using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Training.Metrics;

/// <summary>
/// Writes figures as TensorBoard reads them: records of TensorFlow's event protocol, each with its length and masked CRC-32C.
/// </summary>
internal sealed class TensorBoardWriter : IMetricSink
{
    private static readonly uint[] Table = MakeTable();
    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <summary>Opens an event file.</summary>
    /// <param name="directory">The run's directory; created where it is missing.</param>
    /// <param name="clock">Tells the time of a figure; null: the system's.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public TensorBoardWriter(string directory, TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        Directory.CreateDirectory(directory);
        var name = FormattableString.Invariant(
            $"events.out.tfevents.{_clock.GetUtcNow().ToUnixTimeSeconds()}.{Environment.MachineName}.{Environment.ProcessId}");
        _file = new FileStream(Path.Combine(directory, name), FileMode.Create, FileAccess.Write, FileShare.Read);
        Write(Event(0, 3, "brain.Event:2"u8));
        _file.Flush();
    }

    /// <inheritdoc/>
    public void Add(int step, string name, double value)
    {
        // Event.summary (5) holds Summary.value (1) of a tag (1) and a simple_value (2).
        var tag = Encoding.UTF8.GetBytes(name);
        var entry = new MemoryStream();
        Bytes(entry, 1, tag);
        entry.WriteByte((2 << 3) | 5);
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(number, (float)value);
        entry.Write(number);
        var summary = new MemoryStream();
        Bytes(summary, 1, entry.ToArray());
        Write(Event(step, 5, summary.ToArray()));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C (Castagnoli), of which a record stores a rotated and shifted form.</summary>
    internal static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data) crc = Table[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    private byte[] Event(long step, int field, ReadOnlySpan<byte> payload)
    {
        var stream = new MemoryStream();
        stream.WriteByte((1 << 3) | 1);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(time, _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        stream.Write(time);
        stream.WriteByte(2 << 3);
        Number(stream, (ulong)step);
        Bytes(stream, field, payload);
        return stream.ToArray();
    }

    private void Write(byte[] record)
    {
        Span<byte> length = stackalloc byte[8];
        Span<byte> check = stackalloc byte[4];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)record.Length);
        _file.Write(length);
        BinaryPrimitives.WriteUInt32LittleEndian(check, Masked(length));
        _file.Write(check);
        _file.Write(record);
        BinaryPrimitives.WriteUInt32LittleEndian(check, Masked(record));
        _file.Write(check);
    }

    private static uint Masked(ReadOnlySpan<byte> data)
    {
        var crc = Crc(data);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }

    private static void Bytes(MemoryStream stream, int field, ReadOnlySpan<byte> value)
    {
        stream.WriteByte((byte)((field << 3) | 2));
        Number(stream, (ulong)value.Length);
        stream.Write(value);
    }

    private static void Number(MemoryStream stream, ulong value)
    {
        for (; value >= 128; value >>= 7) stream.WriteByte((byte)(value | 128));
        stream.WriteByte((byte)value);
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ 0x82F63B78 : value >> 1;
            table[i] = value;
        }

        return table;
    }
}
