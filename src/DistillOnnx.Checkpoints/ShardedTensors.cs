using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Tensors spread over several files by an index (<c>model.safetensors.index.json</c>). The index names files, so every name
/// is checked: plain, of the right format, within the directory; and each tensor must be in the file that the index says.
/// </summary>
internal sealed class ShardedTensors : ITensorSource
{
    private const int LongestIndex = 100_000_000;
    private const int MostShards = 1024;
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ITensorSource> _owners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ITensorSource> _shards = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>The names of the shards.</summary>
    public IEnumerable<string> Files => _shards.Keys.Order(StringComparer.Ordinal);

    /// <summary>Opens an index and every file it names.</summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <param name="name">The index's file name.</param>
    /// <param name="extension">What the names of shards must end in.</param>
    /// <param name="open">Opens a shard.</param>
    public static ShardedTensors Open(string directory, string name, string extension, Func<string, ITensorSource> open)
    {
        var path = Path.Combine(directory, name);
        var map = ReadIndex(path, CheckpointPath.Resolve(directory, name));
        var result = new ShardedTensors();
        try
        {
            foreach (var (tensor, file) in map) result.Add(directory, path, tensor, file, extension, open);
            foreach (var (file, shard) in result._shards)
            {
                foreach (var tensor in shard.Tensors.Keys)
                {
                    if (!map.TryGetValue(tensor, out var owner) || owner != file)
                        throw new InputException(
                            $"{Path.Combine(directory, file)}: tensor \"{InputText.Show(tensor)}\" is not given to this file by {name}");
                }
            }

            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    public void ReadFloat32(string name, Span<float> destination, long offset = 0) => Owner(name).ReadFloat32(name, destination, offset);

    public void ReadBytes(string name, Span<byte> destination, long offset = 0) => Owner(name).ReadBytes(name, destination, offset);

    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes) => Owner(name).TryGetBytes(name, out bytes);

    public void Dispose()
    {
        foreach (var shard in _shards.Values) shard.Dispose();
    }

    private static Dictionary<string, string> ReadIndex(string path, string real)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        var found = false;
        try
        {
            var reader = new Utf8JsonReader(PlainFile.Read(real, LongestIndex, path), new JsonReaderOptions { MaxDepth = 16 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("expected an object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var key = reader.GetString();
                reader.Read();
                if (key != "weight_map")
                {
                    reader.Skip();
                    continue;
                }

                if (found) throw new JsonException("\"weight_map\" stands twice");
                found = true;
                if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("\"weight_map\" must be an object");
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var tensor = reader.GetString()!;
                    reader.Read();
                    if (reader.TokenType != JsonTokenType.String) throw new JsonException($"\"{tensor}\" must name a file");
                    if (!map.TryAdd(tensor, reader.GetString()!)) throw new JsonException($"\"{tensor}\" stands twice");
                }
            }

            if (reader.Read()) throw new JsonException("text after the object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path}: not an index of shards: {InputText.Show(e.Message)}", e);
        }

        return map.Count > 0 ? map : throw new InputException($"{path}: not an index of shards: \"weight_map\" is missing or empty");
    }

    private void Add(string directory, string path, string tensor, string file, string extension, Func<string, ITensorSource> open)
    {
        if (!_shards.TryGetValue(file, out var shard))
        {
            if (!file.EndsWith(extension, StringComparison.Ordinal))
                throw new InputException(
                    $"{path}: tensor \"{InputText.Show(tensor)}\": expected a file that ends in {extension}, found "
                        + $"\"{InputText.Show(file)}\"");
            if (_shards.Count == MostShards) throw new InputException($"{path}: names more than {MostShards} files");
            shard = open(CheckpointPath.Resolve(directory, file));
            _shards.Add(file, shard);
        }

        if (!shard.Tensors.TryGetValue(tensor, out var info))
            throw new InputException(
                $"{path}: tensor \"{InputText.Show(tensor)}\": expected it in {InputText.Show(file)}, which does not hold it");
        _tensors.Add(tensor, info);
        _owners.Add(tensor, shard);
    }

    private ITensorSource Owner(string name) =>
        _owners.TryGetValue(name, out var owner) ? owner : throw new ArgumentException($"no tensor \"{name}\"", nameof(name));
}
