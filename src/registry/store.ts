import { EntitySchema } from 'typeorm';
import { columns, type Tx } from '../store/store.js';
import type { Organisation } from './organisation.js';

interface OrganisationRow {
  readonly odsCode: string;
  /** The organisation as JSON, without what follows from it. */
  readonly document: string;
  readonly changedAt: string;
}

/** The list as it is published. */
export interface PublicationRow {
  readonly id: 1;
  readonly sequence: number;
  readonly issued: string;
  readonly nextUpdate: string;
  readonly signedFor: string;
  readonly jwt: string;
}

const organisationEntity = new EntitySchema<OrganisationRow>({
  name: 'RegistryOrganisation',
  tableName: 'registry_organisation',
  columns: {
    odsCode: { ...columns.text, name: 'ods_code', primary: true },
    document: columns.text,
    changedAt: { ...columns.text, name: 'changed_at' },
  },
});

const publicationEntity = new EntitySchema<PublicationRow>({
  name: 'RegistryPublication',
  tableName: 'registry_publication',
  columns: {
    id: { ...columns.integer, primary: true },
    sequence: columns.integer,
    issued: columns.text,
    nextUpdate: { ...columns.text, name: 'next_update' },
    signedFor: { ...columns.text, name: 'signed_for' },
    jwt: columns.text,
  },
});

/** The tables of this slice. */
export const registryEntities = [organisationEntity, publicationEntity];

/** All organisations, by ODS code. */
export async function readOrganisations(tx: Tx): Promise<Organisation[]> {
  const rows = await tx.find(organisationEntity, { order: { odsCode: 'ASC' } });
  return rows.map((row) => JSON.parse(row.document) as Organisation);
}

export async function findOrganisation(tx: Tx, odsCode: string): Promise<Organisation | undefined> {
  const row = await tx.findOneBy(organisationEntity, { odsCode });
  return row ? (JSON.parse(row.document) as Organisation) : undefined;
}

export function saveOrganisation(tx: Tx, organisation: Organisation, changedAt: Date): Promise<unknown> {
  const { odsCode } = organisation;
  const row = { odsCode, document: JSON.stringify(organisation), changedAt: changedAt.toISOString() };
  return tx.upsert(organisationEntity, row, ['odsCode']);
}

export function findPublication(tx: Tx): Promise<PublicationRow | null> {
  return tx.findOneBy(publicationEntity, { id: 1 });
}

export function savePublication(tx: Tx, publication: PublicationRow): Promise<unknown> {
  return tx.upsert(publicationEntity, publication, ['id']);
}

/** The sequence alone, which tells a process whether it must load the list again. */
export async function readSequence(tx: Tx): Promise<number | undefined> {
  const row = await tx.findOne(publicationEntity, { where: { id: 1 }, select: { id: true, sequence: true } });
  return row?.sequence;
}
