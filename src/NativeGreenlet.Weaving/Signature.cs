using System.Text;
using Mono.Cecil;

namespace NativeGreenlet.Weaving;

/// <summary>Names a method by its type, its name, and the types of its parameters, where a type parameter is its position. So a twin and
/// its original have the same name.</summary>
internal static class Signature
{
    /// <summary>The signature of a method that is called.</summary>
    public static string Of(TypeReference type, MethodReference method) => Of(type, method.Name, method.HasThis, method.Parameters.Select(parameter => parameter.ParameterType), null);

    /// <summary>The signature that the original of a twin has.</summary>
    /// <param name="original">Its type.</param>
    /// <param name="name">Its name.</param>
    /// <param name="hasThis">Whether it is called on an instance.</param>
    /// <param name="parameters">Its parameters, as the twin has them.</param>
    /// <param name="arity">How many type parameters of the twin are those of the type.</param>
    public static string Of(TypeReference original, string name, bool hasThis, IEnumerable<TypeReference> parameters, int? arity)
    {
        StringBuilder text = new();
        text.Append(NameOf(original.GetElementType())).Append("::").Append(name).Append(hasThis ? "(this" : "(");
        foreach (TypeReference parameter in parameters)
        {
            text.Append(',');
            Append(text, parameter, arity);
        }

        return text.Append(')').ToString();
    }

    /// <summary>The name of a type or the nested name.</summary>
    public static string NameOf(TypeReference type) => type.FullName;

    private static void Append(StringBuilder text, TypeReference type, int? arity)
    {
        switch (type)
        {
            case GenericParameter parameter when arity is { } count:
                text.Append(parameter.Position < count ? $"!{parameter.Position}" : $"!!{parameter.Position - count}");
                break;
            case GenericParameter parameter:
                text.Append(parameter.Type == GenericParameterType.Type ? $"!{parameter.Position}" : $"!!{parameter.Position}");
                break;
            case GenericInstanceType instance:
                text.Append(NameOf(instance.ElementType)).Append('<');
                foreach (TypeReference argument in instance.GenericArguments)
                {
                    Append(text, argument, arity);
                    text.Append(';');
                }

                text.Append('>');
                break;
            case ByReferenceType reference:
                Append(text, reference.ElementType, arity);
                text.Append('&');
                break;
            case ArrayType array:
                Append(text, array.ElementType, arity);
                text.Append('[').Append(array.Rank).Append(']');
                break;
            case IModifierType modifier: // in, out and the like, which do not tell overloads apart
                Append(text, modifier.ElementType, arity);
                break;
            default:
                text.Append(NameOf(type));
                break;
        }
    }
}
