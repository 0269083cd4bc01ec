namespace NativeGreenlet.Common;

/// <summary>Who calls managed code back in the middle of finding something.</summary>
internal enum ResolverKind
{
    /// <summary>The class loader, for a base class: <c>AssemblyLoadContext.Load</c>.</summary>
    Load,

    /// <summary>The class loader, for a base class: the event <c>AssemblyLoadContext.Resolving</c>.</summary>
    Resolving,

    /// <summary>The class loader, for a base class: the event <c>AppDomain.AssemblyResolve</c>.</summary>
    AssemblyResolve,

    /// <summary>The class loader, for the type of a field of a type under construction: <c>AppDomain.TypeResolve</c>.</summary>
    TypeResolve,

    /// <summary>Managed code that asks for an assembly by name: <c>AssemblyLoadContext.Load</c>.</summary>
    LoadByName,

    /// <summary>Managed code that asks for an assembly by name: the event <c>AppDomain.AssemblyResolve</c>.</summary>
    AssemblyResolveByName,

    /// <summary>The first call of a native function: <c>AssemblyLoadContext.LoadUnmanagedDll</c>.</summary>
    NativeLibrary,
}
