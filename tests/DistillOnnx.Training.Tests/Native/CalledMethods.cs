using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace DistillOnnx.Training.Tests.Native;

/// <summary>Which methods of an assembly call which, read from its code.</summary>
internal static class CalledMethods
{
    private static readonly Dictionary<ushort, OperandType> Operands = typeof(OpCodes).GetFields()
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => (ushort)o.Value, o => o.OperandType);

    /// <summary>All calls, each as the two methods' types, names and parameters, for instance <c>Tensor::add(Tensor,Scalar)</c>.</summary>
    /// <param name="assembly">The assembly's file.</param>
    public static List<(string Caller, string Callee)> Of(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var metadata = file.GetMetadataReader();
        var calls = new List<(string, string)>();
        foreach (var handle in metadata.MethodDefinitions)
        {
            var method = metadata.GetMethodDefinition(handle);
            if (method.RelativeVirtualAddress == 0) continue;
            var caller = Name(metadata, handle);
            var code = file.GetMethodBody(method.RelativeVirtualAddress).GetILReader();
            while (code.RemainingBytes > 0)
            {
                ushort operation = code.ReadByte();
                if (operation == 0xFE) operation = (ushort)(0xFE00 | code.ReadByte());
                if (Operands[operation] == OperandType.InlineMethod)
                    calls.Add((caller, Name(metadata, (EntityHandle)MetadataTokens.Handle(code.ReadInt32()))));
                else Skip(ref code, Operands[operation]);
            }
        }

        return calls;
    }

    private static void Skip(ref BlobReader code, OperandType operand)
    {
        // Reading the number of a switch's targets moves on as well.
        var rest = operand switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch => sizeof(int) * code.ReadInt32(),
            _ => 4,
        };
        code.Offset += rest;
    }

    private static string Name(MetadataReader metadata, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var own = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                return Name(metadata, own.GetDeclaringType(), own.Name, own.DecodeSignature(TypeNames.Instance, null));
            case HandleKind.MemberReference:
                var other = metadata.GetMemberReference((MemberReferenceHandle)handle);
                return Name(metadata, other.Parent, other.Name, other.DecodeMethodSignature(TypeNames.Instance, null));
            case HandleKind.MethodSpecification:
                return Name(metadata, metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Method);
            default:
                return "";
        }
    }

    private static string Name(MetadataReader metadata, EntityHandle type, StringHandle name, MethodSignature<string> signature)
    {
        var owner = type.Kind switch
        {
            HandleKind.TypeReference => TypeNames.Instance.GetTypeFromReference(metadata, (TypeReferenceHandle)type, 0),
            HandleKind.TypeDefinition => TypeNames.Instance.GetTypeFromDefinition(metadata, (TypeDefinitionHandle)type, 0),
            HandleKind.TypeSpecification =>
                metadata.GetTypeSpecification((TypeSpecificationHandle)type).DecodeSignature(TypeNames.Instance, null),
            _ => "",
        };
        return $"{owner}::{metadata.GetString(name)}({string.Join(",", signature.ParameterTypes)})";
    }

    private sealed class TypeNames : ISignatureTypeProvider<string, object?>
    {
        public static TypeNames Instance { get; } = new();

        public string GetArrayType(string elementType, ArrayShape shape) => elementType + "[,]";

        public string GetByReferenceType(string elementType) => elementType + "&";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "fn";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) =>
            $"{genericType}<{string.Join(",", typeArguments)}>";

        public string GetGenericMethodParameter(object? genericContext, int index) => "!!" + index;

        public string GetGenericTypeParameter(object? genericContext, int index) => "!" + index;

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetPinnedType(string elementType) => elementType;

        public string GetPointerType(string elementType) => elementType + "*";

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSZArrayType(string elementType) => elementType + "[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    }
}
