using System.Buffers.Binary;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>
/// What <c>torch.save</c> wrote before PyTorch 1.6, the first T5 checkpoints among it: pickles of a magic number, a version,
/// facts of the machine, the object and the keys of its storages, one after the other; then the storages in the order of the
/// keys, each as a count of eight bytes and its elements.
/// </summary>
internal sealed class LegacyFile
{
    private const long Version = 1001;
    private readonly Dictionary<string, long> _order;
    private readonly MappedFile _file;

    private LegacyFile(MappedFile file, object? root, Dictionary<string, long> order)
    {
        _file = file;
        Root = root;
        _order = order;
    }

    /// <summary>The first pickle: protocol 2, the ten-byte number 0x1950a86a20f9469cfc6c, end.</summary>
    public static ReadOnlySpan<byte> Magic =>
        [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.'];

    /// <summary>The object.</summary>
    public object? Root { get; }

    public static LegacyFile Read(MappedFile file)
    {
        var position = (long)Magic.Length;
        if (Next(file, ref position) is not Version)
            throw new InputException($"{file.Path}: expected version {Version} of torch.save's format");
        if (Next(file, ref position) is not PickleDictionary machine)
            throw new InputException($"{file.Path}: expected facts of the machine that wrote it");
        if (!machine.Items.Any(i => i.Key is "little_endian" && i.Value is true))
            throw new InputException($"{file.Path}: expected little-endian tensors");
        var root = Next(file, ref position);
        if (Next(file, ref position) is not List<object?> keys) throw new InputException($"{file.Path}: expected the keys of its storages");

        var storages = Storages(file, root);
        var order = new Dictionary<string, long>(StringComparer.Ordinal);
        var legacy = new LegacyFile(file, root, order);
        foreach (var key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out var storage))
                throw new InputException($"{file.Path}: its keys name a storage that no tensor has");
            if (position > file.Length - 8) throw new InputException($"{file.Path}: the file is cut within its storages");
            var count = BinaryPrimitives.ReadInt64LittleEndian(file.Slice(position, 8));
            position += 8;
            if (count != storage.Count)
                throw new InputException(
                    $"{file.Path}: storage \"{InputText.Show(name)}\": expected {storage.Count} elements, found {count}");
            if ((UInt128)count * (uint)storage.Type.Size() > (UInt128)(file.Length - position))
                throw new InputException($"{file.Path}: the file is cut within storage \"{InputText.Show(name)}\"");
            if (!order.TryAdd(name, position)) throw new InputException($"{file.Path}: storage \"{InputText.Show(name)}\" stands twice");
            position += count * storage.Type.Size();
        }

        return position == file.Length
            ? legacy
            : throw new InputException($"{file.Path}: {file.Length - position} bytes follow its storages");
    }

    /// <summary>Where a storage stands in the file.</summary>
    public long Locate(PickledStorage storage) =>
        _order.TryGetValue(storage.Key, out var place)
            ? place
            : throw new InputException($"{_file.Path}: storage \"{InputText.Show(storage.Key)}\" is missing");

    private static object? Next(MappedFile file, ref long position)
    {
        var rest = file.Slice(position, (int)Math.Min(Unpickler.LongestPickle, file.Length - position));
        var value = Unpickler.Read(rest, file.Path, out var length);
        position += length;
        return value;
    }

    private static Dictionary<string, PickledStorage> Storages(MappedFile file, object? root)
    {
        var storages = new Dictionary<string, PickledStorage>(StringComparer.Ordinal);
        foreach (var (_, value) in (root as PickleDictionary)?.Items ?? [])
        {
            if (value is not PickledTensor { Storage: var storage }) continue;
            if (!storages.TryAdd(storage.Key, storage) && storages[storage.Key] != storage)
                throw new InputException($"{file.Path}: storage \"{InputText.Show(storage.Key)}\" has two types or sizes");
        }

        return storages;
    }
}
