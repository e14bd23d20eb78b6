using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Tests;

/// <summary>A task of even and odd numbers, and a teacher that knows it.</summary>
internal static class TestData
{
    public static TaskSpec Task { get; } = new() { Name = "parity", Kind = TaskKind.Labels, Labels = ["even", "odd"] };

    public static void Write(string directory, int train, int validation = 0, int test = 0)
    {
        using var writer = DatasetWriter.Create(directory, Task);
        foreach (var (split, rows) in ((string, int)[])[("train", train), ("validation", validation), ("test", test)])
        {
            for (var i = 0; i < rows; i++) writer.Write(split, Row(split, i));
        }

        writer.Commit();
    }

    public static Example Row(string split, int i) =>
        new() { Id = $"{split}-{i}", Input = $"Is {split} {i} even or odd?", Label = i % 2 == 0 ? "even" : "odd" };

    /// <summary>The number that a prompt's last question asks about.</summary>
    public static int Number(string question)
    {
        var words = question[..question.LastIndexOf(" even or odd", StringComparison.Ordinal)].Split(' ');
        return int.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public static string Right(string question) => Say(Number(question), Number(question) % 2 == 0);

    public static string Say(int number, bool even) =>
        $"The last digit of {number} is {number % 10}. So the answer is {(even ? "even" : "odd")}.";

    public static AnnotateOptions Options(string data, string teacher, string output) => new()
    {
        Data = data,
        Teacher = teacher,
        Out = output,
        ApiKey = FakeEndpoint.Key,
        RetryDelay = 0.001,
        Timeout = 5,
        Concurrency = 16,
    };
}
