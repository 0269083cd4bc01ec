using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

// Symbols ASSEMBLY SYMBOLS...: whether each file of symbols is that of its assembly, and where a debugger gets the sources.
// One line for each, and 1 where something is wrong.
Guid sourceLinkKind = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");
Guid embeddedSourceKind = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");
int code = 0;
for (int i = 0; i + 1 < args.Length; i += 2)
{
    string problem = Check(args[i], args[i + 1], out string summary);
    Console.WriteLine($"{Path.GetFileNameWithoutExtension(args[i])}: {(problem.Length == 0 ? summary : problem)}");
    code = problem.Length == 0 ? code : 1;
}

return code;

string Check(string assembly, string symbols, out string summary)
{
    summary = string.Empty;
    using PEReader image = new(File.OpenRead(assembly));
    byte[] bytes = File.ReadAllBytes(symbols);
    using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(bytes));
    MetadataReader reader = provider.GetMetadataReader();
    BlobContentId id = new(reader.DebugMetadataHeader!.Id);
    bool hasPath = false;
    bool hasChecksum = false;
    foreach (DebugDirectoryEntry entry in image.ReadDebugDirectory())
    {
        if (entry.Type == DebugDirectoryEntryType.CodeView)
        {
            CodeViewDebugDirectoryData data = image.ReadCodeViewDebugDirectoryData(entry);
            if (data.Guid != id.Guid || entry.Stamp != id.Stamp)
            {
                return "these are the symbols of another build";
            }

            hasPath = data.Path.StartsWith("/_/", StringComparison.Ordinal) || !Path.IsPathRooted(data.Path);
        }
        else if (entry.Type == DebugDirectoryEntryType.PdbChecksum)
        {
            PdbChecksumDebugDirectoryData data = image.ReadPdbChecksumDebugDirectoryData(entry);
            byte[] cleared = [.. bytes];
            cleared.AsSpan(bytes.AsSpan().IndexOf(reader.DebugMetadataHeader.Id.AsSpan()), reader.DebugMetadataHeader.Id.Length).Clear();
            hasChecksum = data.AlgorithmName == "SHA256" && data.Checksum.AsSpan().SequenceEqual(SHA256.HashData(cleared));
        }
    }

    if (!hasPath || !hasChecksum)
    {
        return hasPath ? "the symbols are not those whose checksum the assembly has" : "the assembly names a place of the machine that built it";
    }

    string? link = null;
    HashSet<string> embedded = [];
    foreach (CustomDebugInformationHandle handle in reader.CustomDebugInformation)
    {
        CustomDebugInformation information = reader.GetCustomDebugInformation(handle);
        Guid kind = reader.GetGuid(information.Kind);
        if (kind == sourceLinkKind)
        {
            link = Encoding.UTF8.GetString(reader.GetBlobBytes(information.Value));
        }
        else if (kind == embeddedSourceKind)
        {
            _ = embedded.Add(reader.GetString(reader.GetDocument((DocumentHandle)information.Parent).Name));
        }
    }

    string[] documents = [.. reader.Documents.Select(handle => reader.GetString(reader.GetDocument(handle).Name)).Where(name => !embedded.Contains(name))];
    string[] machine = [.. documents.Where(name => !name.StartsWith("/_/", StringComparison.Ordinal))];
    if (machine.Length > 0)
    {
        return $"names a place of the machine that built it: {machine[0]}";
    }

    if (link is null)
    {
        summary = $"{documents.Length} sources, no source link";
        return string.Empty;
    }

    (string Prefix, string Address)[] map =
    [
        .. JsonDocument.Parse(link).RootElement.GetProperty("documents").EnumerateObject().Select(entry => (entry.Name.TrimEnd('*'), entry.Value.GetString()!)),
    ];
    string[] lost = [.. documents.Where(name => !Array.Exists(map, entry => name.StartsWith(entry.Prefix, StringComparison.Ordinal)))];
    summary = $"{documents.Length} sources at {map[0].Address}";
    return lost.Length == 0 ? string.Empty : $"{lost.Length} sources have no address: {lost[0]}";
}
