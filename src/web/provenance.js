// What a file says of how it was made, behind its first header: the same XMP, texts and comment as src/image/provenance.cpp writes.

const IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", XMP = "http://ns.adobe.com/xap/1.0/";
const RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", OWN = "urn:secgan:1.0:";

const encoded = (text) => new TextEncoder().encode(text);
const escaped = (text) => text.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one]);

function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
const bigEndian = (value, bytes) => Uint8Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff);

function packet({ source_type, software, model, model_hash, edits }) {
  const property = (name, text) => (text ? `   <${name}>${escaped(text)}</${name}>\n` : "");
  const list = edits.map((edit) => `     <rdf:li>${escaped(edit)}</rdf:li>\n`).join("");
  const body =
    property("Iptc4xmpExt:DigitalSourceType", source_type) +
    property("xmp:CreatorTool", software) +
    property("secgan:Model", model) +
    property("secgan:ModelHash", model_hash) +
    (edits.length ? `   <secgan:Edits>\n    <rdf:Seq>\n${list}    </rdf:Seq>\n   </secgan:Edits>\n` : "");
  return (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n' +
    ` <rdf:RDF xmlns:rdf="${RDF}">\n  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="${IPTC}" xmlns:xmp="${XMP}" xmlns:secgan="${OWN}">\n` +
    `${body}  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>`
  );
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; ++bit) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

function pngChunk(name, data) {
  const body = joined(encoded(name), data);
  const sum = ~body.reduce((crc, byte) => CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8), -1);
  return joined(bigEndian(data.length, 4), body, bigEndian(sum, 4));
}

function pngText(keyword, text) {
  if (!text) return new Uint8Array();
  // Latin-1 where that is enough, so that old readers see it.
  const plain = /^[\x00-\x7f]*$/.test(text) && !keyword.startsWith("XML:");
  return plain ? pngChunk("tEXt", encoded(`${keyword}\0${text}`)) : pngChunk("iTXt", encoded(`${keyword}\0\0\0\0\0${text}`));
}

const jpegSegment = (marker, body) => joined(new Uint8Array([0xff, marker]), bigEndian(body.length + 2, 2), body);

/**
 * @param bytes  a PNG or JPEG without metadata   @param made  {source_type, software, model, model_hash, edits}
 * @returns the same with the provenance; the compressed pixels are the same bytes
 */
export function withProvenance(bytes, made) {
  if (bytes[0] === 0x89) {
    const header = 33; // signature and IHDR
    return joined(
      bytes.subarray(0, header),
      pngText("Software", made.software),
      pngText("secgan model", made.model),
      pngText("secgan model hash", made.model_hash),
      pngText("secgan edits", made.edits.join("\n")),
      pngText("XML:com.adobe.xmp", packet(made)),
      bytes.subarray(header),
    );
  }
  const jfif = bytes[3] === 0xe0 ? 4 + ((bytes[4] << 8) | bytes[5]) : 2;
  return joined(
    bytes.subarray(0, jfif),
    jpegSegment(0xfe, encoded(made.software)),
    jpegSegment(0xe1, joined(encoded("http://ns.adobe.com/xap/1.0/\0"), encoded(packet(made)))),
    bytes.subarray(jfif),
  );
}
