import { openPage, show } from '../kit/page.ts';
import { t } from '../../texts/index.ts';

openPage();
show({ title: () => t('brand-long'), body: () => null });
