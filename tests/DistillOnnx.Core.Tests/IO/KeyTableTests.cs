using System.Buffers.Binary;
using System.Security.Cryptography;
using DistillOnnx.Data;

namespace DistillOnnx.Core.Tests.IO;

public class KeyTableTests
{
    [Theory]
    [InlineData(100, 4096)]
    [InlineData(30_000, 4096)]
    [InlineData(30_000, 4)]
    public void Find_AfterSets_IsWhatWasSetLast(int count, int memoryBlocks)
    {
        using var table = new KeyTable(memoryBlocks);
        for (var i = 0; i < count; i++) Assert.True(table.Set(Key(i), i));
        for (var i = 0; i < count; i += 3) Assert.False(table.Set(Key(i), i * 2L));
        Assert.Equal(count, table.Count);
        for (var i = 0; i < count; i++) Assert.Equal(i % 3 == 0 ? i * 2L : i, table.Find(Key(i)));
        for (var i = count; i < count + 100; i++) Assert.Equal(-1, table.Find(Key(i)));
    }

    [Fact]
    public void Set_KeysThatShareABlock_SpillIntoTheNext()
    {
        // The upper half says which block; all of these begin in the last one.
        using var table = new KeyTable();
        for (var i = 0; i < 100; i++) Assert.True(table.Set(((UInt128)ulong.MaxValue << 64) | (uint)i, i));
        for (var i = 0; i < 100; i++) Assert.Equal(i, table.Find(((UInt128)ulong.MaxValue << 64) | (uint)i));
    }

    private static UInt128 Key(int i) => BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(BitConverter.GetBytes(i)));
}
