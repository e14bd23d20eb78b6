using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using RpcStatus = Google.Rpc.Status;

namespace DistillOnnx.Server.Services;

/// <summary>Every error that a client can see, with the details that its code calls for.</summary>
internal static class Faults
{
    // Where the gRPC status keeps google.rpc details.
    private const string Details = "grpc-status-details-bin";

    // Where gRPC clients with a retry policy look for how long to wait, in milliseconds.
    private const string Pushback = "grpc-retry-pushback-ms";

    // The shortest delay that is given, also where the queue has no estimate.
    private static readonly TimeSpan LeastRetry = TimeSpan.FromMilliseconds(10);

    /// <summary>What an error's details can be: JSON spells them out and has to know their fields.</summary>
    public static TypeRegistry DetailTypes { get; } = TypeRegistry.FromMessages(BadRequest.Descriptor, RetryInfo.Descriptor);

    /// <summary>INVALID_ARGUMENT, naming the field.</summary>
    public static RpcException Invalid(string field, string what)
    {
        var violation = new BadRequest();
        violation.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = what });
        return Create(StatusCode.InvalidArgument, $"{field}: {what}", violation, null);
    }

    /// <summary>INVALID_ARGUMENT: what was sent is no message of the proto file.</summary>
    public static RpcException Unreadable() =>
        Create(
            StatusCode.InvalidArgument, "the message cannot be read: expected what the proto file says, with texts in UTF-8", null, null);

    /// <summary>FAILED_PRECONDITION: the model lacks what the request's field asks of it.</summary>
    public static RpcException Unable(string field, string why) => Create(StatusCode.FailedPrecondition, $"{field}: {why}", null, null);

    /// <summary>NOT_FOUND.</summary>
    public static RpcException NotFound(ModelNotFoundException fault) => Create(StatusCode.NotFound, fault.Message, null, null);

    /// <summary>
    /// RESOURCE_EXHAUSTED with a retry hint, UNAVAILABLE while shutting down, or DEADLINE_EXCEEDED where another attempt would be late too.
    /// </summary>
    public static RpcException Refused(RefusedException refusal)
    {
        if (refusal.Reason == RefusalReason.Draining) return Create(StatusCode.Unavailable, refusal.Message, null, null);
        if (refusal.Reason is RefusalReason.DeadlinePassed or RefusalReason.DeadlineTooShort)
            return Create(StatusCode.DeadlineExceeded, refusal.Message, null, null);
        var after = refusal.RetryAfter < LeastRetry ? LeastRetry : refusal.RetryAfter;
        return Create(StatusCode.ResourceExhausted, refusal.Message, new RetryInfo { RetryDelay = Duration.FromTimeSpan(after) }, after);
    }

    /// <summary>DEADLINE_EXCEEDED: dropped before it ran.</summary>
    public static RpcException Late(TimeoutException fault) => Create(StatusCode.DeadlineExceeded, fault.Message, null, null);

    /// <summary>CANCELLED.</summary>
    public static RpcException Cancelled() => Create(StatusCode.Cancelled, "the caller cancelled", null, null);

    /// <summary>INTERNAL, without what happened inside: that is in the log.</summary>
    public static RpcException Internal() => Create(StatusCode.Internal, "the model failed on this input", null, null);

    /// <summary>A fault with its details as one message.</summary>
    public static RpcStatus Whole(RpcException fault) => fault.Trailers.GetValueBytes(Details) is { } whole
        ? RpcStatus.Parser.ParseFrom(whole)
        : new RpcStatus { Code = (int)fault.StatusCode, Message = fault.Status.Detail };

    /// <summary>Answers a call with an error and nothing but headers.</summary>
    public static void Write(IHeaderDictionary headers, RpcException fault)
    {
        headers.GrpcStatus = Number(fault.StatusCode);
        headers.GrpcMessage = fault.Status.Detail;
        foreach (var entry in fault.Trailers) headers[entry.Key] = entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;
    }

    /// <summary>A status as its header has it.</summary>
    public static string Number(StatusCode code) => ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static RpcException Create(StatusCode code, string message, IMessage? detail, TimeSpan? pushback)
    {
        var trailers = new Metadata();
        if (detail is not null)
        {
            var status = new RpcStatus { Code = (int)code, Message = message };
            status.Details.Add(Any.Pack(detail));
            trailers.Add(Details, status.ToByteArray());
        }

        if (pushback is { } after)
            trailers.Add(
                Pushback, ((long)Math.Ceiling(after.TotalMilliseconds)).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return new RpcException(new Grpc.Core.Status(code, message), trailers);
    }
}
