using Mono.Cecil;

namespace NativeGreenlet.Weaving;

/// <summary>Finds referenced assemblies by their names, whatever the version.</summary>
internal sealed class References : IAssemblyResolver
{
    private readonly Dictionary<string, string> _files = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, AssemblyDefinition?> _open = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Creates a resolver.</summary>
    /// <param name="files">The files; of two with the same name the first counts.</param>
    public References(IEnumerable<string> files)
    {
        foreach (string file in files)
        {
            _files.TryAdd(Path.GetFileNameWithoutExtension(file), file);
        }
    }

    public AssemblyDefinition? Resolve(AssemblyNameReference name)
    {
        if (!_open.TryGetValue(name.Name, out AssemblyDefinition? assembly))
        {
            assembly = _files.TryGetValue(name.Name, out string? file) && File.Exists(file)
                ? AssemblyDefinition.ReadAssembly(file, new ReaderParameters { AssemblyResolver = this, InMemory = true })
                : null;
            _open.Add(name.Name, assembly);
        }

        return assembly;
    }

    public AssemblyDefinition? Resolve(AssemblyNameReference name, ReaderParameters parameters) => Resolve(name);

    public void Dispose()
    {
        foreach (AssemblyDefinition? assembly in _open.Values)
        {
            assembly?.Dispose();
        }

        _open.Clear();
    }
}
