using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeGreenlet.Weaving;

/// <summary>Weaves assemblies: rewrites their calls of blocking methods into calls of twins.</summary>
internal sealed class AssemblyWeaver : IDisposable
{
    private const ModuleAttributes CompiledAhead = (ModuleAttributes)4; // COMIMAGE_FLAGS_IL_LIBRARY
    private const string Marker = "NativeGreenlet.Weaving.GreenletWovenAttribute";
    private readonly References _references;
    private readonly List<ModuleDefinition> _twinModules = [];
    private readonly ModuleDefinition _runtime;
    private readonly WovenProgram _program;

    /// <summary>Creates a weaver.</summary>
    /// <param name="runtime">The file of the library of twins.</param>
    /// <param name="twins">Files of further assemblies that have twins.</param>
    /// <param name="references">Files of what the assemblies refer to.</param>
    /// <param name="program">Where values of threads become those of greenlets; null if nothing is known of it.</param>
    public AssemblyWeaver(string runtime, IEnumerable<string> twins, IEnumerable<string> references, WovenProgram? program = null)
    {
        _program = program ?? WovenProgram.Empty;
        _references = new References([runtime, .. twins, .. references]);
        _runtime = Read(runtime, hasSymbols: false);
        _twinModules.Add(_runtime);
        _twinModules.AddRange(twins.Select(file => Read(file, hasSymbols: false)));
    }

    /// <summary>Weaves an assembly.</summary>
    /// <param name="input">Its file.</param>
    /// <param name="output">The file of the woven assembly, which may be the same; its symbols, if there are any, go beside it.</param>
    /// <param name="threadLocals">Whether its values of threads become those of greenlets.</param>
    /// <returns>What was done; null if the assembly was woven already.</returns>
    /// <exception cref="WeaveException">It is no assembly that can be woven.</exception>
    public WeaveReport? Weave(string input, string output, bool threadLocals = false)
    {
        using ModuleDefinition module = Open(input);
        if (IsWoven(module))
        {
            return null;
        }

        DropCompiledAhead(module);
        if ((module.Attributes & ModuleAttributes.ILOnly) == 0)
        {
            throw new WeaveException($"{input} has native code besides that of .NET and cannot be woven. Use Hub.Offload for its calls.");
        }

        TwinTable table = new();
        _twinModules.ForEach(twins => table.Add(twins, threadLocals));
        table.Add(module, threadLocals); // a project's own twins
        WeaveReport report = new ModuleWeaver(module, table, threadLocals ? _program : null, _runtime).Weave();
        Mark(module);
        Write(module, output);
        return report;
    }

    /// <summary>Whether an assembly was woven.</summary>
    public static bool IsWoven(string file)
    {
        using ModuleDefinition module = ModuleDefinition.ReadModule(file);
        return IsWoven(module);
    }

    public void Dispose()
    {
        _twinModules.ForEach(module => module.Dispose());
        _references.Dispose();
    }

    /// <inheritdoc cref="IsWoven(string)"/>
    public static bool IsWoven(ModuleDefinition module) =>
        module.Assembly.HasCustomAttributes && module.Assembly.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == Marker);

    private ModuleDefinition Open(string file)
    {
        try
        {
            return Read(file, hasSymbols: true);
        }
        catch (BadImageFormatException)
        {
            throw new WeaveException($"{file} is no assembly of .NET. Name assemblies in GreenletWeave, not native libraries.");
        }
    }

    private ModuleDefinition Read(string file, bool hasSymbols)
    {
        ReaderParameters parameters = new() { AssemblyResolver = _references, InMemory = true };
        if (hasSymbols)
        {
            parameters.ReadSymbols = true;
            parameters.SymbolReaderProvider = new DefaultSymbolReaderProvider(throwIfNoSymbol: false);
        }

        try
        {
            return ModuleDefinition.ReadModule(file, parameters);
        }
        catch (Exception exception) when (hasSymbols && exception is SymbolsNotMatchingException or InvalidOperationException or NotSupportedException)
        {
            return Read(file, hasSymbols: false); // of another build, or of a kind that only Windows reads
        }
    }

    // ReadyToRun: the file has all of its code twice, and the native one is not what is woven. It is not written; the publishing project
    // compiles again what it compiles ahead.
    private static void DropCompiledAhead(ModuleDefinition module)
    {
        if ((module.Attributes & CompiledAhead) != 0)
        {
            module.Attributes = (module.Attributes & ~CompiledAhead) | ModuleAttributes.ILOnly;
            module.Architecture = TargetArchitecture.I386; // any: the file was for one kind of machine
        }
    }

    private void Mark(ModuleDefinition module)
    {
        TypeDefinition marker = _runtime.GetType(Marker);
        module.Assembly.CustomAttributes.Add(new CustomAttribute(module.ImportReference(marker.Methods.First(method => method.IsConstructor))));
    }

    private static void Write(ModuleDefinition module, string output)
    {
        // The name keeps its key, so that references to it hold. Its signature does not hold any more; .NET does not check it.
        module.Attributes &= ~ModuleAttributes.StrongNameSigned;
        WriterParameters parameters = new() { DeterministicMvid = true };
        if (module.HasSymbols)
        {
            parameters.SymbolWriterProvider = module.SymbolReader.GetWriterProvider();
            parameters.WriteSymbols = true;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
        module.Write(output, parameters);
    }
}
