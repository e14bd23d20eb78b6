using System.Globalization;

namespace DistillOnnx.Server.Hosting;

/// <summary>
/// How many connections the process's limit of open files leaves room for. A process that reaches that limit can neither accept a
/// connection nor open a file of a model; below it, a connection that is too many costs its caller an error and nothing else.
/// </summary>
internal static class FileLimit
{
    /// <summary>
    /// Files that are left to the program itself. .NET keeps two open for every assembly, some 250 once a model is served; the others
    /// are room for assemblies that are loaded later, for models that are loaded, and to refuse a connection.
    /// </summary>
    public const int Reserve = 384;

    private const string Limits = "/proc/self/limits";
    private const string Line = "Max open files";

    /// <summary>Most files that this process may have open; null: the system does not say, or there is no limit.</summary>
    public static long? OfProcess()
    {
        try
        {
            return File.Exists(Limits) ? Parse(File.ReadLines(Limits)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The limit in force, out of the lines of <c>/proc/self/limits</c>.</summary>
    internal static long? Parse(IEnumerable<string> lines)
    {
        var line = lines.FirstOrDefault(l => l.StartsWith(Line, StringComparison.Ordinal));
        var soft = line?[Line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }

    /// <summary>Most connections at a time; 0: no limit.</summary>
    /// <param name="asked">What the options ask for; 0: no limit.</param>
    /// <param name="files">Most files that the process may have open; null: no limit.</param>
    public static int Connections(int asked, long? files)
    {
        if (files is not { } limit) return asked;
        var room = (int)Math.Clamp(limit - Reserve, 1, int.MaxValue);
        return asked == 0 ? room : Math.Min(asked, room);
    }
}
