using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Server.Collecting;

/// <summary>An input that is to be kept, with what the student, and perhaps the teacher, made of it.</summary>
internal sealed record CollectedRow
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The model that answered.</summary>
    public required string Model { get; init; }

    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>Its task.</summary>
    public required TaskSpec Task { get; init; }

    /// <summary>The text.</summary>
    public required string Input { get; init; }

    /// <summary>The choices; empty where the task has none.</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>The student's label; empty: none.</summary>
    public required string StudentLabel { get; init; }

    /// <summary>Its probability; null where the task has none.</summary>
    public double? StudentProbability { get; init; }

    /// <summary>Whether the student abstained.</summary>
    public required bool Abstained { get; init; }

    /// <summary>Why it is kept.</summary>
    public required string Reason { get; init; }

    /// <summary>The teacher's label, where the teacher was asked.</summary>
    public string? TeacherLabel { get; init; }

    /// <summary>The teacher's reasons.</summary>
    public string? Rationale { get; init; }

    /// <summary>When it was answered.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The same for every row of this model with the same text and choices.</summary>
    public string Id()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in Choices.Prepend(Input).Prepend(Model))
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    /// <summary>The row as a line.</summary>
    /// <param name="id">Its <see cref="Id"/>.</param>
    public byte[] Line(string id)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Readable))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("input"u8, Input);
            if (TeacherLabel is not null) json.WriteString("teacher_label"u8, TeacherLabel);
            if (Rationale is not null) json.WriteString("rationale"u8, Rationale);
            if (Choices.Count > 0)
            {
                json.WriteStartArray("choices"u8);
                foreach (var choice in Choices) json.WriteStringValue(choice);
                json.WriteEndArray();
            }

            if (StudentLabel.Length > 0) json.WriteString("student_label"u8, StudentLabel);
            if (StudentProbability is { } probability) json.WriteNumber("student_probability"u8, probability);
            json.WriteBoolean("abstained"u8, Abstained);
            json.WriteString("reason"u8, Reason);
            json.WriteString("model"u8, Model);
            json.WriteString("version"u8, Version);
            json.WriteString("collected"u8, At.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
