#!/usr/bin/env dotnet
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// Overwrites with zeros, in a library built for CUDA, the machine code of all GPUs but one kind, so that the library packs small:
//
//   dotnet run scripts/keep-architecture.cs -- libonnxruntime_providers_cuda.so 90
//
// The number is a compute capability without its point. Of the code that runs there (same major version, not newer) the newest is kept.
// Offsets and sizes stay as they are: the driver picks by the headers, and never reads what was overwritten. A kernel that has no
// code for that GPU keeps all that it has. Exit codes: 0 done, 2 bad arguments or input.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;

const string SectionName = ".nv_fatbin";
const uint ContainerMagic = 0xBA55ED50;
const int MachineCode = 2;

if (args.Length != 2 || !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) || !File.Exists(args[0]))
{
    Console.Error.WriteLine("expected LIBRARY COMPUTE-CAPABILITY, for instance 90");
    return 2;
}

var library = File.ReadAllBytes(args[0]);
var (from, to) = FindSection();
if (from < 0)
{
    Console.Error.WriteLine($"{args[0]}: no section {SectionName}; expected an ELF library built for CUDA");
    return 2;
}

long kept = 0, cleared = 0;
for (var at = from; at + 16 <= to;)
{
    // A container: magic u32, version u16, length of this header u16, length of what follows u64. Between them lies padding.
    if (UInt32(at) != ContainerMagic)
    {
        at += 8;
        continue;
    }

    var entry = at + UInt16(at + 6);
    var end = entry + Length(at + 8);
    if (end > to)
    {
        Console.Error.WriteLine($"{args[0]}: a container at {at} ends outside its section");
        return 2;
    }

    // An entry: kind u16, version u16, length of this header u32, length of the code u64, …, at 28 the compute capability u32.
    var codes = new List<(int Start, int Size, int Kind, int Capability)>();
    while (entry + 32 <= end)
    {
        var (header, size) = (Length32(entry + 4), Length(entry + 8));
        if (header < 32 || entry + (long)header + size > end)
        {
            Console.Error.WriteLine($"{args[0]}: an entry at {entry} ends outside its container");
            return 2;
        }

        codes.Add((entry + header, size, UInt16(entry), Length32(entry + 28)));
        entry += header + size;
    }

    var best = codes.Where(c => c.Kind == MachineCode && c.Capability / 10 == wanted / 10 && c.Capability <= wanted)
        .Select(c => c.Capability).DefaultIfEmpty(-1).Max();
    foreach (var (start, size, kind, capability) in codes)
    {
        if (best < 0 || (kind == MachineCode && capability == best))
        {
            kept += size;
            continue;
        }

        library.AsSpan(start, size).Clear();
        cleared += size;
    }

    at = end;
}

File.WriteAllBytes(args[0], library);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kept {kept / 1e6:F0} MB of GPU code, overwrote {cleared / 1e6:F0} MB"));
return 0;

// The section headers' table is at 40 in the ELF header; entry size, count and the names' section are at 58, 60 and 62.
(int From, int To) FindSection()
{
    if (library.Length < 64 || !library.AsSpan().StartsWith("\u007fELF\u0002\u0001"u8)) return (-1, -1);
    var (table, size, count) = (Length(40), UInt16(58), UInt16(60));
    var names = Length(table + UInt16(62) * size + 24);
    for (var i = 0; i < count; i++)
    {
        var header = table + i * size;
        var name = library.AsSpan(names + Length32(header));
        if (!name.StartsWith(Encoding.ASCII.GetBytes(SectionName + "\0"))) continue;
        return (Length(header + 24), Length(header + 24) + Length(header + 32));
    }

    return (-1, -1);
}

int UInt16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(library.AsSpan(offset));

uint UInt32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(library.AsSpan(offset));

int Length32(int offset) => checked((int)UInt32(offset));

int Length(int offset) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(library.AsSpan(offset)));
