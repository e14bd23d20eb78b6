using System.Security.Cryptography;
using System.Text;

namespace DistillOnnx.Server.Security;

/// <summary>The API keys that are good. Only their hashes are kept.</summary>
internal sealed class ApiKeySet
{
    // Shorter ones can be guessed at the rate that the server answers.
    private const int LeastLength = 16;

    private readonly List<(string Name, byte[] Hash)> _keys;

    private ApiKeySet(List<(string Name, byte[] Hash)> keys) => _keys = keys;

    /// <summary>Whether there are any, so that callers must show one.</summary>
    public bool IsEmpty => _keys.Count == 0;

    /// <summary>Reads the keys of the options.</summary>
    public static ApiKeySet Read(ServerOptions options) =>
        new([.. options.ApiKeys.Select(Split).Select(k => (k.Name, Hash(k.Key)))]);

    /// <summary>Adds what is wrong with the keys; never a key itself.</summary>
    public static void Check(ServerOptions options, List<string> faults)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, key) in options.ApiKeys.Select(Split))
        {
            if (name.Length == 0) faults.Add("api keys: expected NAME=KEY, found an entry without a name");
            else if (!names.Add(name)) faults.Add($"api keys: \"{name}\" is there twice");
            if (name.Length > 0 && key.Length < LeastLength)
                faults.Add($"api keys: the key of \"{name}\" has {key.Length} characters, expected at least {LeastLength}");

            // Callers would be told apart by the last name alone.
            if (name.Length > 0 && !owners.TryAdd(key, name) && owners[key] != name)
                faults.Add($"api keys: \"{owners[key]}\" and \"{name}\" have the same key");
        }
    }

    /// <summary>The name that a key belongs to; null: it is not known. Takes the same time for every wrong key.</summary>
    public string? NameOf(string key)
    {
        var hash = Hash(key);
        string? found = null;
        foreach (var (name, good) in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, good)) found = name;
        }

        return found;
    }

    private static (string Name, string Key) Split(string line)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? ("", line) : (line[..equals].Trim(), line[(equals + 1)..].Trim());
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
