using Google.Protobuf;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Reads the details that a status carries in its trailers.</summary>
internal static class RpcDetails
{
    public static T Detail<T>(this RpcException fault)
        where T : class, IMessage<T>, new()
    {
        var status = Google.Rpc.Status.Parser.ParseFrom(fault.Trailers.GetValueBytes("grpc-status-details-bin"));
        return Assert.Single(status.Details).Unpack<T>();
    }
}
