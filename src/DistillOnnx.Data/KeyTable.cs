using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace DistillOnnx.Data;

/// <summary>
/// A number for each of many keys that are digests. While there are few it lies in memory; beyond that in a temporary file
/// that is read and written in place, so that memory stays the same however many there are. Not safe for threads.
/// </summary>
public sealed class KeyTable : IDisposable
{
    private const int KeyBytes = 16;
    private const int SlotBytes = KeyBytes + sizeof(long);
    private const int BlockSlots = 16;
    private const int BlockBytes = BlockSlots * SlotBytes;
    private const int Growth = 4;
    private const int MemoryBlocks = 4096;
    private readonly int _memoryBlocks;
    private Store _store;

    /// <summary>Creates a table.</summary>
    /// <param name="memoryBlocks">From how many blocks of 16 keys on the file is used.</param>
    public KeyTable(int memoryBlocks = MemoryBlocks)
    {
        _memoryBlocks = memoryBlocks;
        _store = new Store(Math.Min(16, memoryBlocks), inFile: false);
    }

    /// <summary>The key of a text: 128 bits of its SHA-256.</summary>
    /// <param name="text">The text.</param>
    public static UInt128 Digest(string text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes.AsSpan(0, Encoding.UTF8.GetBytes(text, bytes)), digest);
        ArrayPool<byte>.Shared.Return(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    /// <summary>Number of keys.</summary>
    public long Count { get; private set; }

    /// <summary>Sets a key's number, in place of an earlier one.</summary>
    /// <param name="key">A digest: its bits are as good as random.</param>
    /// <param name="value">The number, from 0.</param>
    /// <returns>Whether the key is new.</returns>
    public bool Set(UInt128 key, long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        // Two thirds full at the most, so that a look mostly takes one block.
        if (Count * 3 >= _store.Blocks * BlockSlots * 2) Grow();
        var added = _store.Set(key, value);
        if (added) Count++;
        return added;
    }

    /// <summary>A key's number; −1 where there is none.</summary>
    /// <param name="key">The key.</param>
    public long Find(UInt128 key) => _store.Find(key);

    /// <summary>Removes the temporary file.</summary>
    public void Dispose() => _store.Dispose();

    private void Grow()
    {
        var blocks = _store.Blocks * Growth;
        var larger = new Store(blocks, inFile: blocks > _memoryBlocks);
        try
        {
            _store.CopyTo(larger);
        }
        catch
        {
            larger.Dispose();
            throw;
        }

        _store.Dispose();
        _store = larger;
    }

    // Slots of key and number + 1, of which 0 marks a free one; a key stands in its own block or in the next ones that were full.
    private sealed class Store : IDisposable
    {
        private readonly byte[]? _memory;
        private readonly FileStream? _file;

        public Store(long blocks, bool inFile)
        {
            Blocks = blocks;
            if (!inFile)
            {
                _memory = new byte[blocks * BlockBytes];
                return;
            }

            var path = Path.Combine(Path.GetTempPath(), $"distill-{Guid.NewGuid():N}.keys");
            _file = new FileStream(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
            // Without a name it goes with the process, however that ends.
            if (!OperatingSystem.IsWindows()) File.Delete(path);
            _file.SetLength(blocks * BlockBytes);
        }

        public long Blocks { get; }

        public bool Set(UInt128 key, long value)
        {
            Span<byte> slot = stackalloc byte[SlotBytes];
            var (at, found) = Place(key);
            BinaryPrimitives.WriteUInt128LittleEndian(slot, key);
            BinaryPrimitives.WriteInt64LittleEndian(slot[KeyBytes..], value + 1);
            if (_memory is not null) slot.CopyTo(_memory.AsSpan((int)at));
            else RandomAccess.Write(_file!.SafeFileHandle, slot, at);
            return found < 0;
        }

        public long Find(UInt128 key) => Place(key).Value;

        public void CopyTo(Store other)
        {
            Span<byte> block = stackalloc byte[BlockBytes];
            for (var i = 0L; i < Blocks; i++)
            {
                Read(i, block);
                for (var slot = 0; slot < BlockBytes; slot += SlotBytes)
                {
                    var value = BinaryPrimitives.ReadInt64LittleEndian(block[(slot + KeyBytes)..]);
                    if (value != 0) other.Set(BinaryPrimitives.ReadUInt128LittleEndian(block[slot..]), value - 1);
                }
            }
        }

        public void Dispose() => _file?.Dispose();

        // The slot that the key has or would get, and its number.
        private (long At, long Value) Place(UInt128 key)
        {
            Span<byte> block = stackalloc byte[BlockBytes];
            for (var i = (long)((ulong)(key >> 64) % (ulong)Blocks); ; i = i + 1 == Blocks ? 0 : i + 1)
            {
                Read(i, block);
                for (var slot = 0; slot < BlockBytes; slot += SlotBytes)
                {
                    var value = BinaryPrimitives.ReadInt64LittleEndian(block[(slot + KeyBytes)..]) - 1;
                    if (value < 0 || BinaryPrimitives.ReadUInt128LittleEndian(block[slot..]) == key) return (i * BlockBytes + slot, value);
                }
            }
        }

        private void Read(long index, Span<byte> block)
        {
            if (_memory is not null)
            {
                _memory.AsSpan((int)(index * BlockBytes), BlockBytes).CopyTo(block);
                return;
            }

            for (var filled = 0; filled < block.Length;)
            {
                var count = RandomAccess.Read(_file!.SafeFileHandle, block[filled..], index * BlockBytes + filled);
                if (count == 0) throw new EndOfStreamException($"{_file.Name}: the file was cut while in use");
                filled += count;
            }
        }
    }
}
