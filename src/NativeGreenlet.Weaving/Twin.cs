using Mono.Cecil;

namespace NativeGreenlet.Weaving;

/// <summary>A method that stands in for another.</summary>
/// <param name="Method">It.</param>
/// <param name="Original">The type of what it stands in for.</param>
/// <param name="HasThis">Whether that is called on an instance.</param>
internal sealed record Twin(MethodDefinition Method, TypeReference Original, bool HasThis)
{
    /// <summary>How many of its type parameters are those of the original's type.</summary>
    public int Arity => Original.HasGenericParameters ? Original.GenericParameters.Count : Original.Resolve()?.GenericParameters.Count ?? 0;
}
